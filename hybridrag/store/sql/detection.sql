-- What detectors found in documents.

-- name: insert_detection
insert into detection (collection_id, document_id, fingerprint, spans)
values (%(collection)s, %(document)s, %(fingerprint)s, %(spans)s);

-- name: find_detections
select n.document_id, n.fingerprint, n.spans
from detection n
where n.collection_id = %(collection)s and n.document_id = any(%(documents)s);

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
