import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { SomaError } from '../../../src/runtime/soma-error.ts'
import { exportChain } from '../../../src/state-sync/export-chain.ts'
import { importChain } from '../../../src/state-sync/import-chain.ts'
import type { CommitStore } from '../../../src/storage/commit-store.ts'
import { openMemoryStore } from '../../../src/storage/memory-store.ts'
import { buildChain, commitAt } from '../../../src/testing/chain-builder.ts'
import { writeChain } from '../../../src/testing/write-chain.ts'
import { createBlockVerifier } from '../../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../../src/verify/main-thread-verifier.ts'
import { outcomeOf } from '../decoder-target.ts'
import type { FuzzTarget, OpenTarget } from '../fuzz-target.ts'

const CHECKSUM_BYTES = 32
const chain = buildChain({ commits: 4, transactions: 1, transactionBytes: 8, epochs: { commits: 2 } })
const { genesis } = chain
const { signal } = new AbortController()

/** A chain file from somebody else, whose checksum is always right: whatever it holds, the store comes to no other chain than the one that a quorum certified. */
export function chainFileTarget(): FuzzTarget {
  return { name: 'state-sync/chain-file', shape: 'bytes', weight: 0.05, open: openTarget }
}

async function openTarget(): Promise<OpenTarget> {
  const directory = await mkdtemp(join(tmpdir(), 'soma-p2p-fuzz-'))
  const path = join(directory, 'file')
  const whole = await openMemoryStore({ genesis })
  await writeChain(whole, chain.commits)
  const out = createWriteStream(path)
  await exportChain({ genesis, store: whole, out, signal })
  await finished(out.end())
  await whole.close()
  return {
    seeds: [new Uint8Array((await readFile(path)).subarray(0, -CHECKSUM_BYTES))],
    async run(input) {
      await writeFile(path, Buffer.concat([input, createHash('sha256').update(input).digest()]))
      const store = await openMemoryStore({ genesis })
      try {
        return await importInto(store, path)
      } finally {
        await store.close()
      }
    },
    close: () => rm(directory, { recursive: true })
  }
}

async function importInto(store: CommitStore, path: string): Promise<string> {
  const signatures = createMainThreadVerifier()
  const getCommittee: CommitStore['getCommittee'] = (epoch) => store.getCommittee(epoch)
  const blockVerifier = createBlockVerifier({ chainId: genesis.chainId, signatures, bls: signatures, getCommittee })
  await using file = await open(path)
  let outcome = 'a value'
  try {
    await importChain({ genesis, store, blockVerifier, file, signal })
  } catch (thrown) {
    if (!(thrown instanceof SomaError)) throw thrown
    outcome = outcomeOf(thrown)
  }
  const { highestSynced } = store.watermarks
  if (highestSynced.index === 0) return outcome
  assert.deepEqual(highestSynced, commitAt(chain, highestSynced.index).subDag.commit.ref)
  for (let index = 1; index <= highestSynced.index; index++) {
    const stored = (await store.getSubDag(index))?.blocks.map(({ bytes }) => Buffer.from(bytes).toString('hex'))
    const own = commitAt(chain, index).subDag.blocks.map(({ bytes }) => Buffer.from(bytes).toString('hex'))
    assert.deepEqual(stored, own, `commit ${index}`)
  }
  return `${outcome}, to commit ${highestSynced.index}`
}
