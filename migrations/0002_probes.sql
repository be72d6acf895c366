-- What a generation's model gave for a fixed set of texts, so that another computer, runtime or server that is to go on
-- with it can show that it gives the same.
--
-- `texts` is the SHA-256 of the texts: should a later version use others, both sets lie side by side. `vectors` are their
-- vectors in order, float32, little-endian, row by row.

create table probe (
    generation_id bigint not null references generation on delete cascade,
    texts         bytea not null,
    vectors       bytea not null,
    primary key (generation_id, texts)
);
