import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { decodeCommit } from '../../src/consensus/commit.ts'
import type { Committee } from '../../src/consensus/committee.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import type { HaltRecord } from '../../src/state-sync/halt-evidence.ts'
import type { CommitStore } from '../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../src/storage/index.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { type Meeting, patience } from './meet-liar.ts'

/** A store that says when a halt is recorded in it. It ends with the test. */
export async function haltStore(
  context: TestContext,
  genesis: Genesis
): Promise<{ store: CommitStore; record: Promise<HaltRecord> }> {
  const inner = await openMemoryStore({ genesis })
  context.after(() => inner.close())
  const { promise: record, resolve, reject } = Promise.withResolvers<HaltRecord>()
  const signal = patience()
  signal.addEventListener('abort', () => reject(new Error('no halt was recorded', { cause: signal.reason })))
  const store = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (key !== 'setRecord') return value.bind(target)
      return async (name: string, bytes: Uint8Array) => {
        await target.setRecord(name, bytes)
        if (name === 'state-sync/halt') resolve(JSON.parse(new TextDecoder().decode(bytes)))
      }
    }
  })
  return { store, record }
}

/**
 * The victim stands still, blames nobody, and its record proves why.
 *
 * @param committee of the epoch of the last commit in the record. @default that of the genesis
 */
export async function assertHalted(
  { victim, liar, reports, chain }: Meeting,
  record: HaltRecord,
  code: string,
  committee: Committee = chain.genesis.committee
): Promise<void> {
  assert.equal(record.code, code, record.message)
  assert.equal(record.peer, liar.peerId.toString())
  assert.equal(record.leftOut, 0)
  assert.equal((await victim.status()).health['state-sync']?.state, 'failed')
  const blamed = reports.all.filter(({ consequence }) => consequence !== 'none')
  assert.deepEqual(blamed, [])
  assert.equal(liar.libp2p.getConnections(victim.peerId).length, 1)
  await assertProven(record, chain.genesis, committee)
}

/** The evidence alone shows that a quorum stands behind the last commit. */
async function assertProven(record: HaltRecord, { chainId }: Genesis, committee: Committee): Promise<void> {
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
  await verifyCertification({
    commit: decodeCommit(bytes(record.commits.at(-1) ?? '')),
    certifiers: record.certifiers.map((block) => decodeSignedBlock(bytes(block))),
    committee,
    blockVerifier: createBlockVerifier({
      chainId,
      signatures: createMainThreadVerifier(),
      getCommittee: async () => committee
    })
  })
}
