import assert from 'node:assert/strict'
import type { CommitStore } from '../../../src/storage/commit-store.ts'
import type { ByteLevel, Operation } from '../../../src/storage/database.ts'
import { createMemoryLevel } from '../../../src/storage/memory-store.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import { StorageError } from '../../../src/storage/storage-error.ts'
import { commitAt, writeChain } from '../../../src/testing/index.ts'
import { outcomeOf } from '../decoder-target.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { SAMPLE_COMMITS, sampleChain } from '../sample-chain.ts'

type Entry = [key: Uint8Array, value: Uint8Array]

/** Commits that are stored; the rest are written after the damage. */
const STORED = SAMPLE_COMMITS - 2
/** Bytes of the input that make one damage. */
const DAMAGE_BYTES = 6
/** Most damages of one database. */
const MAX_DAMAGES = 8

/** A database that something else has changed: whatever is asked of it, it answers, or says that it is damaged. */
export function storageTargets(): FuzzTarget[] {
  return [
    {
      name: 'storage/damaged-database',
      shape: 'bytes',
      weight: 0.01,
      async open() {
        const entries = await storedEntries()
        const damages = [0, 1, 2, 3, 4, 5, 6].map((kind) => Uint8Array.of(0, 3, kind, 0, 5, 0x10))
        return {
          seeds: [new Uint8Array(0), ...damages],
          run: async (input) => await useDamaged(damaged(entries, input))
        }
      }
    }
  ]
}

async function storedEntries(): Promise<Entry[]> {
  const { genesis, commits } = sampleChain()
  const level = createMemoryLevel()
  const store = await openStore({ level, where: 'memory' }, { genesis })
  await writeChain(store, commits.slice(0, STORED))
  await store.setCursor('executor', 3)
  await store.setRecord('note', Uint8Array.of(1, 2, 3))
  const entries = await level.iterator({ gte: Uint8Array.of(0), lt: new Uint8Array(64).fill(0xff) }).all()
  await store.close()
  return entries
}

/** The entries with some of them changed: which ones and how is what the input says. */
function damaged(entries: readonly Entry[], input: Uint8Array): Entry[] {
  const result = [...entries]
  const most = Math.min(input.byteLength, MAX_DAMAGES * DAMAGE_BYTES)
  for (let at = 0; at < most; at += DAMAGE_BYTES) {
    const [high = 0, low = 0, kind = 0, ...how] = input.subarray(at, at + DAMAGE_BYTES)
    const place = ((high << 8) | low) % result.length
    const changed = damage(result[place] as Entry, kind % 7, how, result)
    if (changed !== undefined) result[place] = changed
    else if (result.length > 1) result.splice(place, 1)
  }
  return result
}

/** @returns `undefined` for an entry that is lost */
function damage([key, value]: Entry, kind: number, how: number[], all: readonly Entry[]): Entry | undefined {
  const [high = 0, low = 0, byte = 0] = how
  const number = (high << 8) | low
  const other = all[number % all.length] as Entry
  switch (kind) {
    case 0:
      return undefined
    case 1:
      return [key, flipped(value, number, byte)]
    case 2:
      return [key, value.subarray(0, number % (value.byteLength + 1))]
    case 3:
      return [key.subarray(0, 1 + (number % key.byteLength)), value]
    case 4:
      return [key, new Uint8Array(Buffer.concat([value, new Uint8Array(number % 600).fill(byte)]))]
    case 5:
      return [key, other[1]]
    default:
      return [flipped(key, number, byte), value]
  }
}

function flipped(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  return bytes.map((old, index) => (index === at % bytes.byteLength ? old ^ (byte || 1) : old))
}

async function useDamaged(entries: readonly Entry[]): Promise<string> {
  const { genesis } = sampleChain()
  const level = await filledLevel(entries)
  const codes = new Set<string>()
  const attempt = async (use: () => Promise<unknown>): Promise<void> => {
    try {
      await use()
    } catch (thrown) {
      if (!(thrown instanceof StorageError)) throw thrown
      codes.add(outcomeOf(thrown))
    }
  }
  await attempt(async () => {
    const store = await openStore({ level, where: 'memory' }, { genesis })
    const { lowestAvailable, highestSynced } = store.watermarks
    assert.ok(lowestAvailable >= 1 && lowestAvailable <= highestSynced.index + 1, 'it opens without a chain')
    for (const use of usesOf(store)) await attempt(use)
    await store.close()
  })
  return [...codes].sort().join() || 'whole'
}

function* usesOf(store: CommitStore): Generator<() => Promise<unknown>> {
  const chain = sampleChain()
  for (let index = 1; index <= SAMPLE_COMMITS; index++) {
    const { ref, commit } = commitAt(chain, index).subDag.commit
    yield () => store.getCommit(index)
    yield () => store.getSubDag(index)
    yield () => store.getCertifiers(index)
    yield () => store.getCommitIndex(ref.digest)
    yield () => store.getBlocks(commit.blocks)
  }
  for (let epoch = 0; epoch < 4; epoch++) {
    yield () => store.getCommittee(epoch)
    yield () => store.getLastCommitOfEpoch(epoch)
  }
  yield () => Array.fromAsync(store.readCommits(1, SAMPLE_COMMITS))
  yield () => store.highestCertifiableIn(1, SAMPLE_COMMITS)
  yield () => store.listCursors()
  yield () => store.getCursor('executor')
  yield () => store.getRecord('note')
  const next = store.watermarks.highestSynced.index
  yield () => writeChain(store, chain.commits.slice(next, next + 2))
  yield () => store.prune(5)
  yield () => Array.fromAsync(store.readCommits(store.watermarks.lowestAvailable, SAMPLE_COMMITS))
}

async function filledLevel(entries: readonly Entry[]): Promise<ByteLevel> {
  const level = createMemoryLevel()
  await level.open()
  const puts: Operation[] = entries.map(([key, value]) => ({ type: 'put', key, value }))
  await level.batch(puts, { sync: false })
  return level
}
