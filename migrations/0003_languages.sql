-- The language that most of a document is written in (ISO 639-1); null where it is not sure, as with code and tables.

alter table document add column language text check (language ~ '^[a-z]{2}$');
