import { type BlockRef, blockRefsEqual } from '../../src/consensus/block-ref.ts'
import type { Committee } from '../../src/consensus/committee.ts'
import { QUORUM_STAKE } from '../../src/consensus/limits.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { BANS_RECORD, type Ban, BanTable } from '../../src/peers/ban-table.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { HALT_RECORD, type HaltRecord } from '../../src/state-sync/halt-evidence.ts'
import type { CommitStore } from '../../src/storage/index.ts'
import type { StoreSnapshot } from '../../src/storage/store-snapshot.ts'
import { UsageError } from './cli-error.ts'

/** A block reference. */
export interface RefReport {
  readonly epoch: number
  readonly round: number
  readonly author: number
  /** In hexadecimal, as all digests and keys here. */
  readonly digest: string
}

/** A commit, with its blocks and what certifies it. */
export interface CommitReport {
  readonly index: number
  readonly digest: string
  readonly previousDigest: string
  readonly epoch: number
  readonly isLastOfEpoch: boolean
  /** ISO 8601; the bare milliseconds where they are beyond all dates. */
  readonly timestamp: string
  readonly timestampMs: number
  readonly leader: RefReport
  readonly blocks: readonly (RefReport & { readonly bytes: number })[]
  readonly transactions: number
  /** Of the commit and its blocks. */
  readonly bytes: number
  readonly certifiers: readonly RefReport[]
  /** Stake of the certifiers, of 10,000. */
  readonly certifiedBy: number
  readonly quorum: number
}

/** A block, and where it is. */
export interface BlockReport extends RefReport {
  /** The commit that holds it; null where none does. */
  readonly commit: number | null
  readonly timestamp: string
  readonly timestampMs: number
  readonly bytes: number
  readonly transactions: number
  readonly transactionBytes: number
  readonly ancestors: readonly RefReport[]
  readonly votes: readonly { readonly index: number; readonly digest: string }[]
  /** Whether it carries a quorum's aggregate over the next committee. */
  readonly handsOver: boolean
}

/** One epoch of a store. */
export interface EpochReport {
  readonly epoch: number
  readonly firstCommit: number
  /** null while it goes on. */
  readonly lastCommit: number | null
  readonly committee: {
    readonly digest: string
    readonly quorum: number
    readonly validators: readonly {
      readonly index: number
      readonly votingPower: number
      readonly authorityKey: string
      readonly protocolKey: string
      readonly networkKey: string
      readonly addresses: readonly string[]
    }[]
  }
}

/** Why a sync halted for good; its evidence is in the store's record. */
export interface HaltReport {
  readonly code: string
  readonly message: string
  readonly at: string
  readonly atMs: number
  readonly highestSynced: { readonly index: number; readonly digest: string }
  readonly peer: string | null
  /** How much of it there is. */
  readonly evidence: { readonly commits: number; readonly certifiers: number; readonly blocks: number }
}

/** A whole store. */
export interface StoreReport {
  readonly path: string
  readonly formatVersion: number
  readonly files: number
  readonly bytes: number
  readonly lowestAvailable: number
  readonly highestSynced: { readonly index: number; readonly digest: string }
  readonly highestCertifiable: number
  /** The checkpoint that it began at; null where that is the genesis. */
  readonly beginning: { readonly index: number; readonly digest: string; readonly epoch: number } | null
  readonly epochs: readonly EpochReport[]
  readonly cursors: Readonly<Record<string, number>>
  readonly bans: readonly Ban[]
  readonly halt: HaltReport | null
  /** Bytes by name. */
  readonly records: Readonly<Record<string, number>>
}

/** What there is to say of a commit. @param which its index, or its digest in hexadecimal */
export async function commitReport({ store }: StoreSnapshot, which: string): Promise<CommitReport> {
  const index = /^\d{1,15}$/.test(which) ? Number(which) : await indexOf(store, which)
  const subDag = index === undefined ? undefined : await store.getSubDag(index)
  if (index === undefined || subDag === undefined) throw notThere(`commit ${which}`, store)
  const { ref, commit, bytes } = subDag.commit
  const certifiers = (await store.getCertifiers(index)).map((block) => decodeSignedBlock(block).ref)
  const committee = await store.getCommittee(commit.epoch)
  const stake = certifiers.reduce((sum, { author }) => sum + (committee?.validators[author]?.votingPower ?? 0), 0)
  return {
    index: ref.index,
    digest: toHex(ref.digest),
    previousDigest: toHex(commit.previousDigest),
    epoch: commit.epoch,
    isLastOfEpoch: (await store.getLastCommitOfEpoch(commit.epoch)) === index,
    timestamp: isoTime(commit.timestampMs),
    timestampMs: commit.timestampMs,
    leader: refReport(commit.leader),
    blocks: subDag.blocks.map((block) => ({ ...refReport(block.ref), bytes: block.bytes.byteLength })),
    transactions: subDag.blocks.reduce((sum, { block }) => sum + block.transactions.length, 0),
    bytes: bytes.byteLength + subDag.blocks.reduce((sum, block) => sum + block.bytes.byteLength, 0),
    certifiers: certifiers.map(refReport),
    certifiedBy: stake,
    quorum: QUORUM_STAKE
  }
}

/** What there is to say of the blocks that `which` names: `EPOCH/ROUND/AUTHOR`, or the digest or its beginning. */
export async function blockReports(
  snapshot: StoreSnapshot,
  which: string,
  signal: AbortSignal
): Promise<BlockReport[]> {
  const { store } = snapshot
  const [, epoch, round, author] = /^(\d{1,15})\/(\d{1,9})\/(\d{1,4})$/.exec(which) ?? []
  if (epoch === undefined && !/^[0-9a-f]{8,64}$/i.test(which))
    throw new UsageError(
      'USAGE',
      `a block is EPOCH/ROUND/AUTHOR or eight digits of its digest at least, not "${which}"`
    )
  const search =
    epoch === undefined
      ? { digest: which.toLowerCase() }
      : { epoch: Number(epoch), round: Number(round), author: Number(author) }
  const reports: BlockReport[] = []
  for await (const ref of snapshot.findBlocks(search, { signal })) {
    const [bytes] = await store.getBlocks([ref])
    if (bytes === undefined) continue
    const { block } = decodeSignedBlock(bytes)
    reports.push({
      ...refReport(ref),
      commit: (await commitOf(store, ref)) ?? null,
      timestamp: isoTime(block.timestampMs),
      timestampMs: block.timestampMs,
      bytes: bytes.byteLength,
      transactions: block.transactions.length,
      transactionBytes: block.transactions.reduce((sum, { byteLength }) => sum + byteLength, 0),
      ancestors: block.ancestors.map(refReport),
      votes: block.commitVotes.map(({ index, digest }) => ({ index, digest: toHex(digest) })),
      handsOver: block.endOfEpoch?.aggregateSignature !== undefined
    })
  }
  if (reports.length === 0) throw notThere(`block ${which}`, store)
  return reports
}

/** What there is to say of a whole store. @param now in milliseconds since the Unix epoch */
export async function storeReport(snapshot: StoreSnapshot, path: string, now: number): Promise<StoreReport> {
  const { store, formatVersion, files, bytes } = snapshot
  const { highestSynced, lowestAvailable, highestCertifiable } = store.watermarks
  const beginning = await store.getBeginning()
  const halt = await store.getRecord(HALT_RECORD)
  return {
    path,
    formatVersion,
    files,
    bytes,
    lowestAvailable,
    highestSynced: { index: highestSynced.index, digest: toHex(highestSynced.digest) },
    highestCertifiable,
    beginning:
      beginning === undefined
        ? null
        : { index: beginning.commit.index, digest: toHex(beginning.commit.digest), epoch: beginning.committee.epoch },
    epochs: await epochReports(store, beginning?.committee.epoch ?? 0),
    cursors: Object.fromEntries(await store.listCursors()),
    bans: await banReports(store, now),
    halt: halt === undefined ? null : haltReport(halt),
    records: Object.fromEntries(await snapshot.records())
  }
}

async function epochReports(store: CommitStore, first: number): Promise<EpochReport[]> {
  const { lowestAvailable, highestSynced } = store.watermarks
  const reports: EpochReport[] = []
  let before = Math.min(lowestAvailable - 1, highestSynced.index)
  for (let epoch = first; ; epoch++) {
    const committee = await store.getCommittee(epoch)
    if (committee === undefined) return reports
    const last = await store.getLastCommitOfEpoch(epoch)
    reports.push({
      epoch,
      firstCommit: (epoch === first ? undefined : await store.getLastCommitOfEpoch(epoch - 1).then(next)) ?? before + 1,
      lastCommit: last ?? null,
      committee: committeeReport(committee)
    })
    before = last ?? before
  }
}

function next(index: number | undefined): number | undefined {
  return index === undefined ? undefined : index + 1
}

function committeeReport({ digest, validators }: Committee): EpochReport['committee'] {
  return {
    digest: toHex(digest),
    quorum: QUORUM_STAKE,
    validators: validators.map(({ authorityKey, protocolKey, networkKey, votingPower, addresses }, index) => ({
      index,
      votingPower,
      authorityKey: toHex(authorityKey),
      protocolKey: toHex(protocolKey),
      networkKey: toHex(networkKey),
      addresses: [...addresses]
    }))
  }
}

async function banReports(store: CommitStore, now: number): Promise<Ban[]> {
  const record = await store.getRecord(BANS_RECORD)
  const bans = new BanTable(4_000)
  if (record !== undefined) bans.decode(record, now)
  return bans.list(now)
}

/** The evidence itself is left in the store: it may be a megabyte. */
function haltReport(record: Uint8Array): HaltReport {
  const { commits, certifiers, blocks, peer, code, message, atMs, highestSynced } = JSON.parse(
    new TextDecoder().decode(record)
  ) as HaltRecord
  const counts = { commits: commits.length, certifiers: certifiers.length, blocks: blocks.length }
  return { code, message, atMs, highestSynced, at: isoTime(atMs), peer: peer ?? null, evidence: counts }
}

/** A validator writes what time it likes. */
function isoTime(ms: number): string {
  const time = new Date(ms)
  return Number.isNaN(time.getTime()) ? `${ms} ms` : time.toISOString()
}

/** The commit that holds a block: one whose leader is not of an earlier round, and soon after. */
async function commitOf(store: CommitStore, ref: BlockRef): Promise<number | undefined> {
  const { lowestAvailable, highestSynced } = store.watermarks
  let [low, high] = [lowestAvailable, highestSynced.index + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const commit = (await store.getCommit(middle))?.commit
    if (commit === undefined) return undefined
    const isBefore = commit.epoch < ref.epoch || (commit.epoch === ref.epoch && commit.leader.round < ref.round)
    if (isBefore) low = middle + 1
    else high = middle
  }
  for await (const { ref: found, commit } of store.readCommits(
    low,
    Math.min(low + COMMITS_LOOKED_AT, highestSynced.index)
  )) {
    if (commit.blocks.some((block) => blockRefsEqual(block, ref))) return found.index
  }
  return undefined
}

/** A block is committed within some rounds, or never. */
const COMMITS_LOOKED_AT = 2_000

async function indexOf(store: CommitStore, digest: string): Promise<number | undefined> {
  if (!/^[0-9a-f]{64}$/i.test(digest))
    throw new UsageError('USAGE', `a commit is an index, or a digest of 64 hexadecimal digits, not "${digest}"`)
  return await store.getCommitIndex(fromHex(digest.toLowerCase()))
}

function refReport({ epoch, round, author, digest }: BlockRef): RefReport {
  return { epoch, round, author, digest: toHex(digest) }
}

function notThere(what: string, { watermarks }: CommitStore): UsageError {
  const { lowestAvailable, highestSynced } = watermarks
  return new UsageError(
    'NOT_IN_STORE',
    `${what} is not in the store, which has commits ${lowestAvailable} to ${highestSynced.index}`
  )
}
