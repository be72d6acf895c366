-- What a generation's model gives for a fixed set of texts.

-- name: find_probes
select p.vectors from probe p where p.generation_id = %(generation)s and p.texts = %(texts)s;

-- name: insert_probes
-- Waits for another process that writes the same; the first one's stay.
insert into probe (generation_id, texts, vectors) values (%(generation)s, %(texts)s, %(vectors)s)
on conflict do nothing;
