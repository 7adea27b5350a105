import assert from 'node:assert/strict'
import { getKnownPeers } from '../../../src/discovery/protocols.ts'
import type { Rpc, RpcProtocol } from '../../../src/rpc/rpc.ts'
import { RpcError } from '../../../src/rpc/rpc-error.ts'
import { fromHex } from '../../../src/runtime/hex.ts'
import {
  fetchBlocks,
  fetchCommits,
  getCommitAvailability,
  getCommitInfo,
  pushCommit
} from '../../../src/state-sync/protocols.ts'
import { type RpcName, type StreamLie, startByzantinePeer } from '../../../src/testing/index.ts'
import { outcomeOf } from '../decoder-target.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { sampleChain } from '../sample-chain.ts'
import { readVectors } from '../vectors.ts'
import { join } from '../wire-fields.ts'

type Peer = Parameters<Rpc['call']>[0]

/** One who asks, and takes whatever comes: a response of the protocol, or an error with a code. */
export function askingTargets(): FuzzTarget[] {
  const none = { ownInfo: undefined, knownDigest: undefined, knownPrefixes: undefined }
  const latest = { latest: true, index: undefined, digest: undefined }
  const commit = { index: 1, digest: new Uint8Array(32) }
  return [
    askingTarget('getKnownPeers', getKnownPeers, none),
    askingTarget('getCommitAvailability', getCommitAvailability, { timestampMs: 1 }),
    askingTarget('getCommitInfo', getCommitInfo, latest),
    askingTarget('fetchCommits', fetchCommits, { start: 1, end: 100 }),
    askingTarget('fetchBlocks', fetchBlocks, { refs: [{ epoch: 0, round: 1, author: 0, digest: new Uint8Array(32) }] }),
    askingTarget('pushCommit', pushCommit, { commit, lowestAvailable: 1 })
  ]
}

function askingTarget<Request, Response>(
  name: RpcName,
  protocol: RpcProtocol<Request, Response>,
  request: Request
): FuzzTarget {
  return {
    name: `ask/${protocol.name}`,
    shape: 'frames',
    weight: 0.05,
    async open() {
      const chain = { genesis: sampleChain().genesis, commits: [] }
      let answer: Uint8Array = new Uint8Array(0)
      const lie: StreamLie = async ({ stream, requested }) => {
        await requested
        const middle = answer.byteLength >> 1
        stream.send(answer.subarray(0, middle))
        stream.send(answer.subarray(middle))
        await stream.close()
      }
      const hostile = await startByzantinePeer({ chain, script: { [name]: { stream: lie } } })
      const asker = await startByzantinePeer({ chain })
      await asker.dial(hostile)
      return {
        seeds: vectorAnswers(protocol.name),
        async run(input) {
          answer = input
          return await ask(asker.libp2p.services.rpc, hostile.peerId, protocol, request, input)
        },
        async close() {
          await Promise.all([asker.stop(), hostile.stop()])
        }
      }
    }
  }
}

async function ask<Request, Response>(
  rpc: Rpc,
  peer: Peer,
  protocol: RpcProtocol<Request, Response>,
  request: Request,
  input: Uint8Array
): Promise<string> {
  let responses = 0
  let arrived = 0
  const onBytes = (bytes: number) => {
    arrived += bytes
  }
  try {
    for await (const response of rpc.stream(peer, protocol, request, { onBytes })) {
      responses += 1
      protocol.response.encode(response)
    }
  } catch (thrown) {
    if (!(thrown instanceof RpcError)) throw thrown
    return `${outcomeOf(thrown)} after ${Math.min(responses, 3)}`
  }
  assert.ok(arrived <= input.byteLength)
  assert.ok(protocol.kind === 'streaming' || responses === 1)
  return `${Math.min(responses, 3)} responses`
}

/** The answers of the test vectors to a protocol, whole; and statuses of every kind, alone. */
function vectorAnswers(name: string): Uint8Array[] {
  type Frames = readonly { readonly frame: string }[]
  type Vectors = { exchanges: { protocol: string; answer: Frames }[]; statuses: Frames }
  const { exchanges, statuses } = readVectors<Vectors>('frames')
  const whole = exchanges
    .filter(({ protocol }) => protocol.includes(`/${name}/`))
    .map(({ answer }) => join(answer.map(({ frame }) => fromHex(frame))))
  return [...whole, ...statuses.map(({ frame }) => fromHex(frame))]
}
