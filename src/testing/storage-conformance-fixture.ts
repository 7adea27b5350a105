import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { blockMessage } from '../consensus/block.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { ED25519_SIGNATURE_LENGTH } from '../consensus/limits.ts'
import { decodeSignedBlock, trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import type { CertifierWrite, CommitStore } from '../storage/commit-store.ts'
import { StorageError, type StorageErrorCode } from '../storage/storage-error.ts'
import { buildChain, type Chain, commitAt } from './chain-builder.ts'
import type { StoreFixture, StoreUnderTest } from './store-under-test.ts'

/** Commits of the chain that the tests use: more than an implementation is likely to read at once. */
export const CHAIN_LENGTH = 150

let built: Chain | undefined

/** The chain that the tests use, made once a process. */
export function conformanceChain(): Chain {
  built ??= buildChain({ commits: CHAIN_LENGTH })
  return built
}

/** An empty store, disposed of at the end of the test. */
export async function openFixture(t: TestContext, underTest: StoreUnderTest): Promise<StoreFixture> {
  const fixture = await underTest.open(conformanceChain().genesis)
  t.after(() => fixture.dispose())
  return fixture
}

/** An empty store, disposed of at the end of the test. */
export async function openEmpty(t: TestContext, underTest: StoreUnderTest): Promise<CommitStore> {
  return (await openFixture(t, underTest)).store
}

/** A store with the first commits of the chain, without certifiers. */
export async function openFilled(t: TestContext, underTest: StoreUnderTest, commits: number): Promise<CommitStore> {
  const store = await openEmpty(t, underTest)
  await store.write({ commits: subDags(1, commits) })
  return store
}

/** Commits `start` to `end` of the chain, both included. */
export function subDags(start: number, end: number): CommittedSubDag[] {
  return conformanceChain()
    .commits.slice(start - 1, end)
    .map((commit) => commit.subDag)
}

export function subDagAt(index: number): CommittedSubDag {
  return commitAt(conformanceChain(), index).subDag
}

export function commitOf(index: number): TrustedCommit {
  return subDagAt(index).commit
}

/** The quorum of blocks that the chain hands over with a commit. They are of later rounds: commits soon after hold most of them. */
export function certifierBlocks(index: number): VerifiedBlock[] {
  return commitAt(conformanceChain(), index).certifiers.map((bytes) => trustBlock(decodeSignedBlock(bytes)))
}

/** The same as a part of a write, with bytes. */
export function certifiersOf(index: number): CertifierWrite {
  return { index, blocks: certifierBlocks(index).map(({ ref, bytes }) => ({ ref, bytes })) }
}

/** The same without bytes. */
export function certifierRefsOf(index: number): CertifierWrite {
  return { index, blocks: certifierBlocks(index).map(({ ref }) => ({ ref, bytes: undefined })) }
}

/** A block in which nothing is true but its reference: a store asks no more. Cheap to make in thousands. */
export function unsignedBlock(round: number, transactionBytes = 0): VerifiedBlock {
  const { block } = subDagAt(1).blocks[0] as VerifiedBlock
  const transactions = [new Uint8Array(transactionBytes)]
  const payload = blockMessage.encode({ ...block, round, ancestors: [], transactions })
  const bytes = new Uint8Array(ED25519_SIGNATURE_LENGTH + payload.byteLength)
  bytes.set(payload, ED25519_SIGNATURE_LENGTH)
  return trustBlock(decodeSignedBlock(bytes))
}

/** Checks that a commit is stored whole: by index, by digest, with every block. */
export async function assertWhole(store: CommitStore, expected: CommittedSubDag): Promise<void> {
  const { ref, bytes, commit } = expected.commit
  const stored = await store.getCommit(ref.index)
  assertBytes([stored?.bytes], [bytes], `commit ${ref.index}`)
  assert.deepEqual(stored?.ref, ref, `reference of commit ${ref.index}`)
  assert.equal(await store.getCommitIndex(ref.digest), ref.index, `index of commit ${ref.index}`)
  assertBytes(await store.getBlocks(commit.blocks), bytesOf(expected.blocks), `blocks of commit ${ref.index}`)
  assertSubDag(await store.getSubDag(ref.index), expected)
}

/** Checks that a sub-DAG is the one expected, with its references and decoded blocks. */
export function assertSubDag(actual: CommittedSubDag | undefined, expected: CommittedSubDag): void {
  const { index } = expected.commit.ref
  assert.ok(actual !== undefined, `sub-DAG ${index} is missing`)
  assertBytes([actual.commit.bytes], [expected.commit.bytes], `commit of sub-DAG ${index}`)
  assertBytes(bytesOf(actual.blocks), bytesOf(expected.blocks), `blocks of sub-DAG ${index}`)
  for (const [i, { ref, block }] of actual.blocks.entries()) {
    assert.deepEqual(ref, expected.commit.commit.blocks[i], `reference of block ${i} of sub-DAG ${index}`)
    assert.equal(block.timestampMs, expected.blocks[i]?.block.timestampMs, `block ${i} of sub-DAG ${index}`)
  }
}

/** Compares lists of byte strings. `assert.deepEqual` takes minutes to show the difference between large ones. */
export function assertBytes(
  actual: readonly (Uint8Array | undefined)[],
  expected: readonly (Uint8Array | undefined)[],
  what: string
): void {
  assert.equal(actual.length, expected.length, `number of ${what}`)
  for (const [i, bytes] of actual.entries()) {
    const wanted = expected[i]
    const same = bytes === undefined || wanted === undefined ? bytes === wanted : bytesEqual(bytes, wanted)
    assert.ok(same, `${what}, at ${i}: ${describeBytes(bytes)}, not ${describeBytes(wanted)}`)
  }
}

export function bytesOf(blocks: readonly { readonly bytes: Uint8Array }[]): Uint8Array[] {
  return blocks.map((block) => block.bytes)
}

/** Checks that nothing of a commit is found. */
export async function assertAbsent(store: CommitStore, { commit }: CommittedSubDag): Promise<void> {
  const { index, digest } = commit.ref
  assert.equal(await store.getCommit(index), undefined, `commit ${index}`)
  assert.equal(await store.getCommitIndex(digest), undefined, `index of commit ${index}`)
  assert.equal(await store.getSubDag(index), undefined, `sub-DAG ${index}`)
  assert.deepEqual(await store.getCertifiers(index), [], `certifiers of commit ${index}`)
}

/** Checks that a commit has the certifiers that the chain hands over with it, each found by its reference too. */
export async function assertCertified(store: CommitStore, index: number): Promise<void> {
  const blocks = certifierBlocks(index)
  const refs = blocks.map((block) => block.ref)
  assertBytes(await store.getCertifiers(index), bytesOf(blocks), `certifiers of commit ${index}`)
  assertBytes(await store.getBlocks(refs), bytesOf(blocks), `certifiers of commit ${index} by reference`)
}

/** Checks that an operation is refused with a code. */
export async function assertRefused(operation: Promise<unknown>, code: StorageErrorCode): Promise<void> {
  await assert.rejects(operation, (thrown) => {
    assert.ok(thrown instanceof StorageError, `not a StorageError: ${thrown}`)
    assert.equal(thrown.code, code, thrown.message)
    return true
  })
}

function describeBytes(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'nothing' : `${bytes.byteLength} bytes ${toHex(bytes.subarray(0, 8))}...`
}
