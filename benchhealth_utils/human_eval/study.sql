-- A study: what is rated, by whom, and every click. No model is named here: see key.json.
create table about (name text primary key, value text not null) strict;
create table raters (rater text primary key, role text not null, code text not null) strict;
create table cards (card text primary key, question text not null, left text not null,
    right text not null) strict;
create table orders (rater text references raters, place integer, card text references cards,
    primary key (rater, card)) strict;
-- a rater's own cards alone can be rated; nothing is changed or taken away, only added
create table clicks (id integer primary key, at text not null, rater text not null,
    card text not null, field text not null, value text not null,
    foreign key (rater, card) references orders (rater, card)) strict;
create trigger kept before update on clicks begin select raise(abort, 'clicks are kept'); end;
create trigger whole before delete on clicks begin select raise(abort, 'clicks are kept'); end;
create trigger ended before insert on clicks when exists
    (select 1 from about where name = 'closed') begin select raise(abort, 'closed'); end;
create table sessions (token text primary key, rater text not null references raters,
    at real not null) strict;
pragma journal_mode = wal;
