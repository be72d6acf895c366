-- Vectors to a file and from one.

-- name: chunk_parameters
select s.parameters from chunk_set s where s.id = %(chunk_set)s;

-- name: count_wanted_vectors
select count(*) as vectors from {vectors} v
where exists (select from chunk c where c.chunk_set_id = {chunk_set} and c.text_hash = v.text_hash);

-- name: export_vectors
-- Only what some chunk holds: of a forgotten document no vector travels.
copy (
    select v.text_hash, v.embedding from {vectors} v
    where exists (select from chunk c where c.chunk_set_id = {chunk_set} and c.text_hash = v.text_hash)
    order by v.text_hash
) to stdout (format binary);

-- name: wanted_texts
-- Those of the hashes that some chunk holds, and whether they have a vector.
select h.text_hash, exists (select from {vectors} v where v.text_hash = h.text_hash) as present
from unnest(%(hashes)s::bytea[]) h(text_hash)
where exists (select from chunk c where c.chunk_set_id = %(chunk_set)s and c.text_hash = h.text_hash);

-- name: hold_generation
-- Neither promoted nor dropped until the transaction ends.
select from generation g where g.id = %(generation)s for key share;

-- name: texts_imported
delete from to_embed q
where q.generation_id = %(generation)s and q.text_hash = any(%(hashes)s)
  and exists (select from {vectors} v where v.text_hash = q.text_hash);
