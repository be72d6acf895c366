-- What became of a run that was held against an earlier one, so that its history can be told without doing it again.
--
-- `verdict` is of the whole run, null where it was held against nothing and became no baseline. `held` tells for each mode,
-- and for each guarded figure of answers, which run it was held against and what came out; that run may be gone since.

alter table evaluation
    add column verdict text check (verdict in ('first', 'same', 'better', 'dropped', 'accepted')),
    add column held jsonb not null default '[]';
