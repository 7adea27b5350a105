import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'

/** Goes up with every change of the tables that an older reader would not understand. */
export const FORMAT_VERSION = 1

/**
 * A block is stored once, whoever holds it: the commit that commits it, and the commits that it certifies. It goes when the last of them is pruned.
 */
export const SCHEMA = `
  CREATE TABLE chain (id BLOB NOT NULL) STRICT;
  CREATE TABLE beginning (commit_index INTEGER NOT NULL, digest BLOB NOT NULL, epoch INTEGER NOT NULL) STRICT;
  CREATE TABLE commits (commit_index INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE blocks (id INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE uses (
    commit_index INTEGER NOT NULL, role TEXT NOT NULL, position INTEGER NOT NULL, block INTEGER NOT NULL,
    PRIMARY KEY (commit_index, role, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX uses_of_block ON uses (block, commit_index);
  CREATE INDEX certified ON uses (commit_index) WHERE role = 'certifier';
  CREATE TABLE committees (epoch INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE epoch_ends (epoch INTEGER PRIMARY KEY, commit_index INTEGER NOT NULL) STRICT;
  CREATE TABLE cursors (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;
  CREATE TABLE records (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
`

/** A commit as its row has it. */
export interface CommitRow {
  readonly commit_index: number
  readonly digest: Uint8Array
  readonly epoch: number
}

/** Every statement of the store, prepared once: those that write, and what those that read find. */
export interface Statements {
  readonly insertCommit: StatementSync
  readonly insertBlock: StatementSync
  /** Changes nothing where the block is not there. */
  readonly useBlock: StatementSync
  readonly insertCommittee: StatementSync
  readonly endEpoch: StatementSync
  readonly begin: StatementSync
  /** Blocks that commits below an index hold, or are certified by, and none from it on. */
  readonly deleteBlocks: StatementSync
  readonly deleteUses: StatementSync
  readonly deleteCommits: StatementSync
  readonly setCursor: StatementSync
  readonly deleteCursor: StatementSync
  readonly setRecord: StatementSync
  commit(index: number): { readonly digest: Uint8Array; readonly bytes: Uint8Array } | undefined
  commitIndex(digest: Uint8Array): number | undefined
  highestCommit(): CommitRow | undefined
  lowestCommit(): number | undefined
  beginning(): CommitRow | undefined
  block(ref: string): Uint8Array | undefined
  certifiers(index: number): Uint8Array[]
  highestCertifiable(start: number, end: number): number | undefined
  committee(epoch: number): Uint8Array | undefined
  lastOfEpoch(epoch: number): number | undefined
  cursor(name: string): number | undefined
  cursors(): ReadonlyMap<string, number>
  record(name: string): Uint8Array | undefined
}

export function statementsOf(database: DatabaseSync): Statements {
  /** The first row; `undefined` where there is none. The tables are strict: their columns are of the types that they say. */
  const row = <R>(sql: string) => {
    const statement = database.prepare(sql)
    return (...values: SQLInputValue[]) => statement.get(...values) as R | undefined
  }
  /** The first row's column `value`. */
  const value = <V>(sql: string) => {
    const first = row<{ readonly value: V | null }>(sql)
    return (...values: SQLInputValue[]) => first(...values)?.value ?? undefined
  }
  const certifiers = database.prepare(
    "SELECT bytes FROM uses JOIN blocks ON id = block WHERE commit_index = ? AND role = 'certifier' ORDER BY position"
  )
  const cursors = database.prepare('SELECT name, position FROM cursors')
  return {
    insertCommit: database.prepare('INSERT INTO commits VALUES (?, ?, ?, ?)'),
    insertBlock: database.prepare('INSERT OR IGNORE INTO blocks (ref, bytes) VALUES (?, ?)'),
    useBlock: database.prepare('INSERT INTO uses SELECT ?, ?, ?, id FROM blocks WHERE ref = ?'),
    insertCommittee: database.prepare('INSERT INTO committees VALUES (?, ?)'),
    endEpoch: database.prepare('INSERT OR REPLACE INTO epoch_ends VALUES (?, ?)'),
    begin: database.prepare('INSERT INTO beginning VALUES (?, ?, ?)'),
    deleteBlocks: database.prepare(`
      DELETE FROM blocks WHERE id IN (SELECT block FROM uses WHERE commit_index < ?)
      AND NOT EXISTS (SELECT 1 FROM uses WHERE block = blocks.id AND commit_index >= ?)`),
    deleteUses: database.prepare('DELETE FROM uses WHERE commit_index < ?'),
    deleteCommits: database.prepare('DELETE FROM commits WHERE commit_index < ?'),
    setCursor: database.prepare('INSERT OR REPLACE INTO cursors VALUES (?, ?)'),
    deleteCursor: database.prepare('DELETE FROM cursors WHERE name = ?'),
    setRecord: database.prepare('INSERT OR REPLACE INTO records VALUES (?, ?)'),
    commit: row('SELECT digest, bytes FROM commits WHERE commit_index = ?'),
    commitIndex: value('SELECT commit_index AS value FROM commits WHERE digest = ?'),
    highestCommit: row('SELECT commit_index, digest, epoch FROM commits ORDER BY commit_index DESC LIMIT 1'),
    lowestCommit: value('SELECT min(commit_index) AS value FROM commits'),
    beginning: row('SELECT commit_index, digest, epoch FROM beginning'),
    block: value('SELECT bytes AS value FROM blocks WHERE ref = ?'),
    certifiers: (index) => certifiers.all(index).map(({ bytes }) => bytes as Uint8Array),
    highestCertifiable: value(
      "SELECT max(commit_index) AS value FROM uses WHERE role = 'certifier' AND commit_index BETWEEN ? AND ?"
    ),
    committee: value('SELECT bytes AS value FROM committees WHERE epoch = ?'),
    lastOfEpoch: value('SELECT commit_index AS value FROM epoch_ends WHERE epoch = ?'),
    cursor: value('SELECT position AS value FROM cursors WHERE name = ?'),
    cursors: () => new Map(cursors.all().map(({ name, position }) => [name as string, position as number])),
    record: value('SELECT value FROM records WHERE name = ?')
  }
}
