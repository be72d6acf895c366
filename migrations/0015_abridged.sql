-- Whether a document's chunks leave out anything. `left_out` tells what others are chunked with; a clause stays all the
-- same, and so does a text that would have hardly anything left to say. Until here the two were taken for one.
alter table chunking add column abridged boolean not null default false;
update chunking set abridged = true where left_out <> '{}';
