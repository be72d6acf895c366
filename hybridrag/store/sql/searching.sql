-- The read side. All of a search runs in one read-only snapshot.

-- name: dense
with nearest as materialized (
    -- During a large change, vectors that no chunk needs any more wait for the run's end; they must not take places.
    select text_hash, embedding <=> %(vector)s::halfvec as distance
    from {vectors} v
    where exists (select from chunk c where c.chunk_set_id = %(chunk_set)s and c.text_hash = v.text_hash)
    order by embedding <=> %(vector)s::halfvec
    limit %(limit)s
)
select c.id, 1 - n.distance as score
from nearest n join chunk c on c.chunk_set_id = %(chunk_set)s and c.text_hash = n.text_hash
order by n.distance, c.id
limit %(limit)s;

-- name: dense_filtered
select c.id, 1 - (v.embedding <=> %(vector)s::halfvec) as score
from chunk c join {vectors} v on v.text_hash = c.text_hash
where c.chunk_set_id = %(chunk_set)s and c.document_id = any(%(documents)s)
order by v.embedding <=> %(vector)s::halfvec, c.id
limit %(limit)s;

-- name: dense_scores
select c.id, 1 - (v.embedding <=> %(vector)s::halfvec) as score
from chunk c join {vectors} v on v.text_hash = c.text_hash
where c.chunk_set_id = %(chunk_set)s and c.id = any(%(ids)s);

-- name: query_terms
-- Computed apart: inside the search, a prepared plan would parse the question once more for every row.
select coalesce(array_agg(lexeme), '{}') as lexemes,
       replace(plainto_tsquery(%(text_search)s::regconfig, %(query)s)::text, ' & ', ' | ') as any_term
from unnest(to_tsvector(%(text_search)s::regconfig, %(query)s));

-- name: lexical
-- BM25 (Robertson, k1 1.2, b 0.75; Lucene's idf, which is never negative) over every chunk that holds a query term.
-- Document frequencies come from the whole chunk set, so that a filter changes which chunks are found, not their scores.
with corpus as (
    select count(*)::float8 as chunks, greatest(avg(length)::float8, 1) as mean_length
    from chunk where chunk_set_id = %(chunk_set)s
),
posting as materialized (
    select c.id, c.document_id, c.length, u.lexeme, coalesce(cardinality(u.positions), 1)::float8 as frequency
    from chunk c cross join lateral unnest(c.lexemes) u
    where c.chunk_set_id = %(chunk_set)s and c.lexemes @@ %(any_term)s::tsquery and u.lexeme = any(%(lexemes)s::text[])
),
term as (
    select p.lexeme, ln(1 + (max(corpus.chunks) - count(*) + 0.5) / (count(*) + 0.5)) as idf
    from posting p cross join corpus
    group by p.lexeme
),
scored as (
    select p.id, sum(t.idf * p.frequency * 2.2
                     / (p.frequency + 1.2 * (0.25 + 0.75 * p.length / corpus.mean_length))) as score
    from posting p join term t using (lexeme) cross join corpus
    where %(documents)s::uuid[] is null or p.document_id = any(%(documents)s)
    group by p.id
),
ranked as (
    select id, score, row_number() over (order by score desc, id) as rank from scored
)
select id, score, rank <= %(limit)s as found
from ranked
where rank <= %(limit)s or id = any(%(also)s)
order by rank;

-- name: chunks
select c.id, c.ordinal, c.start_offset, c.end_offset, c.text, c.headings, c.page, c.tokens,
       d.id as document_id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata
from chunk c
join document d on d.collection_id = c.collection_id and d.id = c.document_id
join source s on s.id = d.source_id
where c.chunk_set_id = %(chunk_set)s and c.id = any(%(ids)s);

-- name: list_documents
select d.id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata, d.indexed_at,
       d.language, length(d.text) as characters,
       (select count(*) from chunk c where c.collection_id = d.collection_id and c.document_id = d.id) as chunks
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s
order by s.name, d.path;

-- name: show_document
select d.id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata, d.text, d.pages,
       d.language, encode(d.content_hash, 'hex') as content_hash, d.modified_at, d.dated_at
from document d join source s on s.id = d.source_id
where d.collection_id = %(collection)s and s.name = %(source)s and d.path = %(path)s;

-- name: chunks_of_document
select c.id, c.start_offset, c.end_offset, c.page, c.headings, c.tokens
from chunk c
where c.collection_id = %(collection)s and c.document_id = %(document)s
order by c.ordinal;
