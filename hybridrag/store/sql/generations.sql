-- Generations beside the active one.

-- name: list_generations
-- What a collection has of each: `documents` and `chunks` in its chunk set, and what it lacks.
select g.id as generation_id, g.model, g.fingerprint, g.dimensions, g.chunk_set_id, g.state, g.share, s.text_search,
       s.chunk_tokens, g.created_at, g.promoted_at, g.retired_at, g.gate,
       (select count(*) from chunking k where k.chunk_set_id = g.chunk_set_id) as documents,
       (select count(*) from chunk c where c.chunk_set_id = g.chunk_set_id) as chunks,
       (select count(*) from to_chunk q where q.chunk_set_id = g.chunk_set_id) as waiting_documents,
       (select count(*) from to_embed q where q.generation_id = g.id) as waiting_texts
from generation g join chunk_set s on s.id = g.chunk_set_id
where g.collection_id = %(collection)s
order by g.id;

-- name: count_vectors
select count(*) as vectors, coalesce((select sum(pg_total_relation_size(i.inhrelid)) from pg_inherits i
                                      where i.inhparent = '{vectors}'::regclass), 0)::bigint as bytes
from {vectors};

-- name: set_lock_timeout
select set_config('lock_timeout', %(timeout)s, true);

-- name: lock_run_waiting
-- Waits as long as lock_timeout allows.
select pg_advisory_xact_lock(hashtextextended('hybridrag run ' || %(collection)s::text, 0));

-- name: lock_generations
-- In order, so that two who change them wait for each other and no more. What workers add refers to them meanwhile.
select g.id from generation g where g.collection_id = %(collection)s order by g.id for no key update;

-- name: keep_generations
-- None goes until the transaction ends. Workers take this before anything else, so that none holds what `gc` waits for
-- while it waits for `gc`; and by turns, so that they do not keep it waiting for ever, as locks on rows may.
select pg_advisory_xact_lock_shared(hashtextextended('hybridrag generations ' || %(collection)s::text, 0));

-- name: release_generations
-- Waits for the workers' batches, and keeps them out until the transaction ends.
select pg_advisory_xact_lock(hashtextextended('hybridrag generations ' || %(collection)s::text, 0));

-- name: lock_generation
-- Waits for whoever else refers to it.
select from generation g where g.id = %(generation)s for update;

-- name: generation_state
select g.state from generation g where g.id = %(generation)s;

-- name: generations_alike
-- Those with the same vectors of the same chunks, the one that serves first, then the newest.
select g.id, g.state
from generation g join chunk_set s on s.id = g.chunk_set_id
where g.collection_id = %(collection)s and g.fingerprint = %(fingerprint)s and s.parameters = %(parameters)s
order by g.state = 'active' desc, g.id desc;

-- name: chunk_set_alike
-- One that holds every document, made with the same.
select s.id
from chunk_set s
where s.collection_id = %(collection)s and s.parameters = %(parameters)s
  and exists (select from generation g where g.chunk_set_id = s.id)
  and not exists (
      select from document d
      where d.collection_id = s.collection_id
        and not exists (select from chunking k where k.chunk_set_id = s.id and k.document_id = d.id
                        and k.processing = %(processing)s)
        and not exists (select from to_chunk q where q.chunk_set_id = s.id and q.document_id = d.id))
order by s.id
limit 1;

-- name: count_unheaded
select count(*) as documents from document d where d.collection_id = %(collection)s and (d.headings is null or d.blocks is null);

-- name: queue_all_documents
insert into to_chunk (chunk_set_id, collection_id, document_id)
select %(chunk_set)s, d.collection_id, d.id from document d where d.collection_id = %(collection)s;

-- name: queue_all_texts
insert into to_embed (generation_id, text_hash)
select distinct %(generation)s::bigint, c.text_hash from chunk c where c.chunk_set_id = %(chunk_set)s;

-- name: requeue_texts
insert into to_embed (generation_id, text_hash)
select distinct %(generation)s::bigint, c.text_hash
from chunk c
where c.chunk_set_id = %(chunk_set)s and not exists (select from {vectors} v where v.text_hash = c.text_hash)
order by 2
on conflict do nothing;

-- name: requeue_documents
insert into to_chunk (chunk_set_id, collection_id, document_id)
select %(chunk_set)s, d.collection_id, d.id
from document d
where d.collection_id = %(collection)s
  and not exists (select from chunking k where k.chunk_set_id = %(chunk_set)s and k.document_id = d.id)
order by 3
on conflict do nothing;

-- name: make_ready
update generation set state = 'ready' where id = %(generation)s and state = 'building';

-- name: retire_active
update generation set state = 'retired', retired_at = now(), share = 0
where collection_id = %(collection)s and state = 'active';

-- name: activate
-- The way back is no promotion. Promotions are in order even if the clock was set back.
update generation g
set state = 'active', retired_at = null, share = 0,
    promoted_at = case when %(back)s then g.promoted_at else greatest(
        now(), (select max(o.promoted_at) + interval '1 microsecond' from generation o
                where o.collection_id = g.collection_id)) end
where g.id = %(generation)s;

-- name: stop_sharing
update generation set share = 0 where collection_id = %(collection)s and share > 0;

-- name: set_share
update generation set share = %(share)s where id = %(generation)s;

-- name: keep_gate
update generation set gate = %(report)s where id = %(generation)s;

-- name: drop_vectors
drop table if exists {vectors};

-- name: delete_generation
delete from generation where id = %(generation)s;

-- name: delete_unused_chunk_sets
delete from chunk_set s
where s.collection_id = %(collection)s and not exists (select from generation g where g.chunk_set_id = s.id);

-- name: lock_index
select pg_try_advisory_xact_lock(hashtextextended('hybridrag index ' || %(generation)s::text, 0)) as held;

-- name: lock_new_index
select pg_advisory_xact_lock(hashtextextended('hybridrag new index ' || %(generation)s::text, 0));

-- name: claim_documents
-- Who changes a document meanwhile waits for this transaction; a document that is being changed is left for later, as is
-- what another worker has.
select d.id, s.name as source, d.path, d.text, d.title, d.media_type, d.content_hash, d.pages, d.headings, d.blocks,
       d.label, d.external_id, d.language, d.metadata, left_out_of(d.collection_id, d.id) as left_out
from to_chunk q
join document d on d.collection_id = q.collection_id and d.id = q.document_id
join source s on s.id = d.source_id
where q.chunk_set_id = %(chunk_set)s
limit %(most)s
for update of q skip locked
for key share of d skip locked;

-- name: forget_chunks
with gone as (
    delete from chunking where chunk_set_id = %(chunk_set)s and document_id = any(%(documents)s)
)
delete from chunk
where collection_id = %(collection)s and document_id = any(%(documents)s) and chunk_set_id = %(chunk_set)s;

-- name: documents_chunked
delete from to_chunk where chunk_set_id = %(chunk_set)s and document_id = any(%(documents)s);

-- name: generations_of_set
select g.id from generation g where g.chunk_set_id = %(chunk_set)s order by g.id;

-- name: claim_texts
select q.text_hash from to_embed q where q.generation_id = %(generation)s limit %(most)s for update skip locked;

-- name: texts_to_embed
-- Each text once, with what stands before it; where texts `leave`, none that may not.
select distinct on (c.text_hash) c.text_hash, c.text, c.headings, c.head, c.tokens, d.title
from chunk c join document d on d.collection_id = c.collection_id and d.id = c.document_id
where c.chunk_set_id = %(chunk_set)s and c.text_hash = any(%(hashes)s)
  and not (%(leave)s and d.label = 'local-only')
order by c.text_hash;

-- name: generations_of_model
select g.id from generation g
where g.collection_id = %(collection)s and g.fingerprint = %(fingerprint)s and g.id <> %(generation)s;

-- name: reuse_vectors
insert into {vectors} (text_hash, embedding)
select v.text_hash, v.embedding from {other_vectors} v where v.text_hash = any(%(hashes)s)
returning text_hash;

-- name: texts_embedded
delete from to_embed where generation_id = %(generation)s and text_hash = any(%(hashes)s);

-- name: count_waiting
select (select count(*) from to_chunk where chunk_set_id = %(chunk_set)s) as documents,
       (select count(*) from to_embed where generation_id = %(generation)s) as texts;

-- name: count_local_only
select count(*) as documents from document where collection_id = %(collection)s and label = 'local-only';

-- name: stale_detections
-- Documents that were never searched, or by other detectors than those that are meant for their label.
select d.id, d.text, d.label, d.indexed_at
from document d
join unnest(%(labels)s::text[], %(fingerprints)s::text[]) w(label, fingerprint) on w.label = d.label
left join detection n on n.collection_id = d.collection_id and n.document_id = d.id
where d.collection_id = %(collection)s and d.id > %(after)s and n.fingerprint is distinct from w.fingerprint
order by d.id
limit %(most)s;

-- name: count_stale_detections
select count(*) as documents
from document d
join unnest(%(labels)s::text[], %(fingerprints)s::text[]) w(label, fingerprint) on w.label = d.label
left join detection n on n.collection_id = d.collection_id and n.document_id = d.id
where d.collection_id = %(collection)s and n.fingerprint is distinct from w.fingerprint;
