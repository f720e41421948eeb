import type { Schema } from '../database/migrate.ts'

/** Every table of the service: what it knows, and its inbox. Times are of the callers, but where a column says otherwise. */
export const SERVICE_SCHEMA: Schema = {
  name: 'service',
  title: "the service's state",
  steps: [
    [
      `create table service.repositories (
        id bigint primary key, owner text not null, name text not null, installation bigint, is_suspended boolean not null
      )`,
      'create index repositories_owner on service.repositories (lower(owner))',

      `create table service.pushers (
        repository bigint not null, ref text not null, commit text not null, login text not null, kind text not null check (kind in ('person', 'bot')),
        at timestamptz(3),
        primary key (repository, ref, commit)
      )`,
      'create table service.tags (repository bigint not null, ref text not null, commit text not null, primary key (repository, ref))',

      `create table service.wishes (
        id text primary key, repository bigint not null, ref text not null, at timestamptz(3) not null, document text not null, answered timestamptz(3)
      )`,
      'create index wishes_open on service.wishes (repository, ref) where answered is null',

      `create table service.approvals (
        repository bigint not null, pull_request int not null, commit text not null, account text not null, at timestamptz(3) not null,
        primary key (repository, pull_request, commit, account)
      )`,

      `create table service.effects (
        key text primary key, since timestamptz(3) not null, external text, content text, at timestamptz(3),
        check ((at is null) = (external is null) and (at is null) = (content is null))
      )`,

      `create table service.runs (
        id text primary key, repository bigint not null, ref text not null, commit text not null, path text not null,
        trust text not null check (trust in ('trusted', 'untrusted')), release boolean not null, cause text not null, plan text not null,
        state text not null check (state in ('queued', 'dispatched', 'running', 'ended')),
        outcome text check (outcome in ('passed', 'failed', 'error', 'cancelled')), reason text,
        created timestamptz(3) not null, dispatched timestamptz(3), dispatches int not null, workflow_run bigint,
        claim_workflow_run bigint, claim_attempt int, claim_at timestamptz(3), delivered timestamptz(3), ended timestamptz(3), minutes double precision,
        unique (repository, commit, path, trust, release, cause)
      )`,
      "create index runs_open on service.runs (created) where state <> 'ended'",
      "create index runs_ref on service.runs (repository, ref) where state <> 'ended'",
      'create index runs_ended on service.runs (repository, ended)',
      'create index runs_workflow on service.runs (workflow_run)',

      'create table service.marks (run text not null references service.runs, what text not null, at timestamptz(3) not null, primary key (run, what))',

      'create table service.run_records (run text not null references service.runs, position int not null, document text not null, primary key (run, position))',

      `create table service.records (
        repository bigint not null, trust text not null check (trust in ('trusted', 'untrusted')), key text not null,
        path text not null, stage text not null, outcome text not null, seconds double precision not null, ended timestamptz(3) not null, document text not null,
        primary key (repository, trust, key)
      )`,
      "create index records_passed on service.records (repository, path, stage, ended desc) where outcome = 'passed'",

      // The database's own time: nothing is decided by it but what is forgotten.
      'create table service.deliveries (id text primary key, arrived timestamptz not null default now())',
      "create index deliveries_guid on service.deliveries (split_part(id, '/', 1))",
      'create index deliveries_arrived on service.deliveries (arrived)',

      // One row per ref. told: how often it was told something; done: what of that was handled, or given up; error: of an attempt that failed, and is tried again.
      `create table service.refs (
        repository bigint not null, ref text not null, told bigint not null, done bigint not null default 0, cause text not null, told_at timestamptz not null default now(),
        wake_at timestamptz(3), error text, parked_at timestamptz(3), attempts int,
        primary key (repository, ref)
      )`,
      'create index refs_wake on service.refs (wake_at) where wake_at is not null and parked_at is null',
      'create index refs_parked on service.refs (parked_at) where parked_at is not null',
    ],
    // When the newest sweep of a name that came to its end was begun.
    ['create table service.sweeps (name text primary key, began timestamptz(3) not null)'],
  ],
}
