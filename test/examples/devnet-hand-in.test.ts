import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handIn } from '../../examples/devnet/hand-in.ts'
import type { NodeEvent } from '../../examples/devnet/node-protocol.ts'
import { scriptedChain } from '../../examples/scripted/scripted-chain.ts'
import { buildChain } from '../../src/testing/chain-builder.ts'
import { ScriptedConsensus } from '../../src/testing/scripted-consensus.ts'

const { genesis, keys } = buildChain({ commits: 0 })
const rounds = { transactions: 0, transactionBytes: 0, roundIntervalMs: 250, epochCommits: 2 }
const options = scriptedChain({ genesis, keys, seed: 1, kind: 'opaque', ...rounds })

test('a validator hands in the commits of its epochs, and waits for those of the one that it sits out', async () => {
  const consensus = new ScriptedConsensus(options)
  const [validator] = keys
  assert.ok(validator !== undefined)
  const told: NodeEvent[] = []
  const sent: number[] = []
  const awaited: number[] = []
  for (let index = 1; index <= 6; index++) {
    await handIn({
      commit: consensus.nextCommit(),
      keys: validator,
      consensus: { epochOf: (of) => consensus.epoch(consensus.epochOf(of)) },
      node: {
        consensus: {
          async sendCommit({ subDag }) {
            sent.push(subDag.commit.ref.index)
            return 'stored'
          }
        }
      },
      ledger: {
        async stateAfter(of) {
          awaited.push(of)
          return new Uint8Array(32)
        }
      },
      signal: new AbortController().signal,
      tell: (event) => told.push(event)
    })
  }
  assert.deepEqual(sent, [1, 2, 5, 6])
  assert.deepEqual(awaited, [3, 4])
  assert.deepEqual(
    told.map((event) => event.event === 'handed-in' && event.index),
    sent
  )
})
