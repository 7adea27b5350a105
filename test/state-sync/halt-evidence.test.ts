import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeHaltRecord, type HaltRecord } from '../../src/state-sync/halt-evidence.ts'
import { SyncError } from '../../src/state-sync/sync-error.ts'
import { buildChain, commitAt, votesFor } from '../../src/testing/index.ts'
import { randomPeer } from './random-peer.ts'

const error = new SyncError('SYNC_FORK', 'a fork')
const small = buildChain({ commits: 6 })
const peer = await randomPeer()
const circumstances = { atMs: 1_234, highestSynced: commitAt(small, 3).subDag.commit.ref, peer }
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as HaltRecord
const base64 = ({ bytes }: { readonly bytes: Uint8Array }) => Buffer.from(bytes).toString('base64')

describe('encodeHaltRecord', () => {
  it('holds the whole evidence, in order, and who brought it', () => {
    const commits = small.commits.slice(3).map(({ subDag }) => subDag.commit)
    const certifiers = votesFor(small, commitAt(small, 6).subDag.commit.ref)
    const blocks = commitAt(small, 4).subDag.blocks
    const record = decode(encodeHaltRecord(error, { commits, certifiers, blocks }, circumstances))
    assert.deepEqual(record, {
      code: 'SYNC_FORK',
      message: 'a fork',
      atMs: 1_234,
      highestSynced: { index: 3, digest: Buffer.from(circumstances.highestSynced.digest).toString('hex') },
      peer: peer.toString(),
      commits: commits.map(base64),
      certifiers: certifiers.map(base64),
      blocks: blocks.map(base64),
      leftOut: 0
    })
  })

  it('fits into a record, however large the evidence: what proves most comes first', () => {
    const large = buildChain({ commits: 6, transactions: 4, transactionBytes: 20_000 })
    const commits = large.commits.map(({ subDag }) => subDag.commit)
    const certifiers = votesFor(large, commitAt(large, 6).subDag.commit.ref)
    const blocks = large.commits.flatMap(({ subDag }) => subDag.blocks)
    const bytes = encodeHaltRecord(error, { commits, certifiers, blocks }, circumstances)
    assert.ok(bytes.byteLength <= 1024 * 1024, `${bytes.byteLength} bytes`)
    const record = decode(bytes)
    assert.deepEqual(
      [record.commits[0], record.commits.at(-1)],
      [commits[0], commits.at(-1)].map((commit) => commit && base64(commit))
    )
    assert.deepEqual(record.certifiers, certifiers.map(base64))
    const kept = record.commits.length + record.certifiers.length + record.blocks.length
    assert.ok(record.leftOut > 0)
    assert.equal(record.leftOut, commits.length + certifiers.length + blocks.length - kept)
  })

  it('says what is known where there is no evidence', () => {
    const record = decode(encodeHaltRecord(new SyncError('SYNC_FORK', 'x'.repeat(10_000)), undefined, circumstances))
    assert.deepEqual([record.commits, record.certifiers, record.blocks, record.leftOut], [[], [], [], 0])
    assert.equal(record.message.length, 512)
  })
})
