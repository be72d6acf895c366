-- What was measured of a generation to tell when its collection does not answer a question: how strong the evidence for a
-- sentence looks where the document that says it is left out.
--
-- `floor` is the cosine of unrelated texts for its embedding model, `sentences` how many were asked for, 0 where there
-- are too few to tell. `chunks` is how many there were: where they are many more or fewer, it is measured again.

create table abstention (
    generation_id  bigint primary key references generation on delete cascade,
    threshold      double precision not null,
    floor          double precision not null,
    sentences      int not null,
    chunks         bigint not null
);
