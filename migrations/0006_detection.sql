-- What the detectors found in whole documents, so that no chunk's border hides a value: places, types and rules, no values.
--
-- `fingerprint` tells which detectors searched, and how strictly. What was searched by others is searched again before
-- anything of it leaves. `spans` is [[start, end, type, rule], ...], offsets in the document's text.

create table detection (
    collection_id bigint not null,
    document_id   uuid not null,
    fingerprint   text not null,
    spans         jsonb not null,
    primary key (collection_id, document_id),
    foreign key (collection_id, document_id) references document on delete cascade
);
