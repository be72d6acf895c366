-- What there is of a collection, counted before a reindex: how much there is to do, and how large it becomes.

-- name: text_figures
-- `bytes` are those of the texts as UTF-8; their length is known without reading them.
select count(*) as documents, coalesce(sum(octet_length(d.text)), 0)::bigint as bytes,
       count(*) filter (where d.headings is null or d.blocks is null) as unheaded,
       count(*) filter (where d.label = 'local-only') as local_only
from document d
where d.collection_id = %(collection)s;

-- name: document_lengths
select d.id, octet_length(d.text) as bytes from document d where d.collection_id = %(collection)s order by d.id;

-- name: documents_to_measure
-- At most so many characters of each.
select d.id, s.name as source, d.path, left(d.text, %(characters)s) as text, d.title, d.media_type, d.content_hash,
       '[]'::jsonb as pages, coalesce(d.headings, '[]') as headings, coalesce(d.blocks, '[]') as blocks, d.label, d.external_id, d.language, d.metadata
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s and d.id = any(%(documents)s)
order by d.id;

-- name: chunk_figures
-- Each text once; the bytes are those of the chunks without their indexes.
select count(*) as chunks, count(distinct c.text_hash) as texts, coalesce(sum(c.tokens), 0)::bigint as tokens,
       coalesce(sum(pg_column_size(c.text)), 0)::bigint as text_bytes,
       coalesce(sum(pg_column_size(c.*)), 0)::bigint as row_bytes
from chunk c
where c.chunk_set_id = %(chunk_set)s;

-- name: posting_figures
select count(*) as rows, coalesce(sum(pg_column_size(p.*)), 0)::bigint as row_bytes
from posting p
where p.chunk_set_id = %(chunk_set)s;

-- name: texts_known
-- The texts of a chunk set, each once, and those whose vectors are in some of the tables.
select count(*) as texts, coalesce(sum(t.tokens), 0)::bigint as tokens,
       count(k.text_hash) as known,
       coalesce(sum(t.tokens) filter (where k.text_hash is not null), 0)::bigint as known_tokens
from (select c.text_hash, min(c.tokens) as tokens from chunk c where c.chunk_set_id = %(chunk_set)s group by 1) t
left join (select distinct h.text_hash from ({hashes}) h(text_hash)) k using (text_hash);

-- name: waiting_documents
select count(*) as documents from to_chunk q where q.chunk_set_id = %(chunk_set)s;

-- name: vector_hashes
select v.text_hash from {vectors} v

-- name: vector_hashes_among
select v.text_hash from {vectors} v where v.text_hash = any(%(hashes)s);
