-- What detectors found in documents.

-- name: insert_detection
insert into detection (collection_id, document_id, fingerprint, spans)
values (%(collection)s, %(document)s, %(fingerprint)s, %(spans)s);

-- name: find_detections
-- For pieces of documents, in their order: whether they still stand there, and what was found in the document.
select coalesce(substr(d.text, w.start + 1, length(w.text)) = w.text, false) as stands, n.fingerprint, n.spans
from unnest(%(documents)s::uuid[], %(starts)s::int[], %(texts)s::text[]) with ordinality w(document, start, text, place)
left join document d on d.collection_id = %(collection)s and d.id = w.document
left join detection n on n.collection_id = d.collection_id and n.document_id = d.id
order by w.place;

-- name: text_of_document
select d.text, d.indexed_at
from document d
where d.collection_id = %(collection)s and d.id = %(document)s;

-- name: replace_detection
-- Only for the very text that was searched: the document may have been replaced meanwhile.
insert into detection (collection_id, document_id, fingerprint, spans)
select d.collection_id, d.id, %(fingerprint)s, %(spans)s
from document d
where d.collection_id = %(collection)s and d.id = %(document)s and d.indexed_at = %(indexed_at)s
on conflict (collection_id, document_id) do update
set fingerprint = excluded.fingerprint, spans = excluded.spans;
