-- A sample of chunks. Ids of documents are UUIDv5, so they are spread evenly whatever the paths are: a run of them from a
-- random place on is a fair sample, and the primary key gives it without a look at the other documents.

-- name: sample_documents_from
select id from document where collection_id = %(collection)s and id >= %(start)s order by id limit %(most)s;

-- name: sample_documents_before
select id from document where collection_id = %(collection)s and id < %(start)s order by id limit %(most)s;

-- name: sample_chunks
-- The first chunk of every document, then the second of every document, and so on; which is first is the seed's choice.
select k.id
from unnest(%(documents)s::uuid[]) with ordinality as d(id, place)
cross join lateral (
    select c.id, row_number() over (order by md5(c.id::text || %(seed)s)) as rank
    from chunk c
    where c.collection_id = %(collection)s and c.document_id = d.id and c.chunk_set_id = %(chunk_set)s
    order by rank
    limit %(each)s
) k
order by k.rank, d.place
limit %(most)s;

-- name: sampled
-- `sources` are the documents that hold the very same chunk, its title and headings included; a few of them will do.
select c.id, c.ordinal, c.start_offset, c.end_offset, c.text, c.headings, c.page, c.head, c.tokens,
       d.id as document_id, s.name as source, d.path, d.title, d.media_type, d.label, d.external_id, d.metadata,
       d.language,
       array(
           select distinct own.name || '/' || twin.path
           from (
               select t.document_id from chunk t
               where t.chunk_set_id = c.chunk_set_id and t.text_hash = c.text_hash
               limit %(twins)s
           ) t
           join document twin on twin.collection_id = c.collection_id and twin.id = t.document_id
           join source own on own.id = twin.source_id
           order by 1
       ) as sources
from unnest(%(ids)s::uuid[]) with ordinality as wanted(id, place)
join chunk c on c.chunk_set_id = %(chunk_set)s and c.id = wanted.id
join document d on d.collection_id = c.collection_id and d.id = c.document_id
join source s on s.id = d.source_id
order by wanted.place;
