/**
 * The catalogue's tables, as numbered steps: step n takes a database from version n-1 to n. A step that has been in a release is never changed.
 * Postgres and PGlite run the same SQL. What is immutable is held here, so that no program with a bug can change it.
 */
export const MIGRATIONS: readonly string[] = [
  `
  create table bundles (
    digest text primary key check (digest ~ '^sha256:[0-9a-f]{64}$'),
    id uuid not null unique,
    name text not null,
    version text not null,
    state text not null check (state in ('candidate', 'release')),
    index text not null check (index ~ '^sha256:[0-9a-f]{64}$'),
    reference text not null,
    document text not null,
    summary text not null,
    published timestamptz(3) not null
  );
  create unique index bundles_release on bundles (name, version) where state = 'release';
  create index bundles_newest on bundles (name, published desc) where state = 'release';

  create function keep_bundle() returns trigger language plpgsql as $$
  begin
    if tg_op = 'TRUNCATE' then
      raise exception 'bundles are immutable';
    end if;
    if tg_op = 'DELETE' then
      if old.state = 'release' then
        raise exception 'release % of % is immutable', old.version, old.name;
      end if;
      return old;
    end if;
    if (new.digest, new.id, new.name, new.version, new.index, new.document) is distinct from (old.digest, old.id, old.name, old.version, old.index, old.document) then
      raise exception 'bundle % is immutable', old.digest;
    end if;
    if old.state = 'release' and (new.state, new.published) is distinct from (old.state, old.published) then
      raise exception 'release % of % is immutable', old.version, old.name;
    end if;
    return new;
  end $$;
  create trigger bundles_keep before update or delete on bundles for each row execute function keep_bundle();
  create trigger bundles_keep_all before truncate on bundles execute function keep_bundle();
  `,
]
