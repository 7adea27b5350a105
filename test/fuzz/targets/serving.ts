import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { KAD_TYPE, type KadMessage, kadMessage } from '../../../src/discovery/dht/kad-message.ts'
import { rendezvousKey } from '../../../src/discovery/dht/rendezvous.ts'
import { getKnownPeers } from '../../../src/discovery/protocols.ts'
import { requestFrameMessage, responseFrameMessage } from '../../../src/rpc/frame-messages.ts'
import type { RpcProtocol } from '../../../src/rpc/rpc.ts'
import { STATUS } from '../../../src/rpc/rpc-error.ts'
import { fromHex } from '../../../src/runtime/hex.ts'
import type { WireMessage } from '../../../src/runtime/wire-message.ts'
import {
  fetchBlocks,
  fetchCommits,
  getCommitAvailability,
  getCommitInfo,
  pushCommit
} from '../../../src/state-sync/protocols.ts'
import { makePeer } from '../../peers/make-peer.ts'
import type { FuzzTarget } from '../fuzz-target.ts'
import { joinFrames, splitFrames } from '../mutate-frames.ts'
import { sampleChain } from '../sample-chain.ts'
import { readVectors } from '../vectors.ts'
import { startServing } from './serving-node.ts'

/** Most bytes of an answer to requests as small as the inputs are. */
const MAX_ANSWERS: number = 64 * 1024 * 1024

/** The handlers of a whole node, over TCP: it answers with a status or ends the stream, and goes on serving. */
export function servingTargets(): FuzzTarget[] {
  return [
    rpcTarget(getKnownPeers),
    rpcTarget(getCommitAvailability),
    rpcTarget(getCommitInfo),
    rpcTarget(fetchCommits),
    rpcTarget(fetchBlocks),
    rpcTarget(pushCommit),
    streamTarget({
      name: 'serve/kad',
      protocol: (chain) => `/soma-p2p/${chain}/kad/1`,
      seeds: kadRequests,
      check: checkKad
    }),
    streamTarget({
      name: 'serve/ping',
      protocol: () => '/ipfs/ping/1.0.0',
      seeds: async () => [new Uint8Array(32)],
      atOnce: 1
    })
  ]
}

interface StreamTargetInit {
  readonly name: string
  readonly protocol: (chainIdHex: string) => string
  readonly seeds: () => Promise<readonly Uint8Array[]>
  /** Streams at once. @default 6: fewer than a peer may have requests under way */
  readonly atOnce?: number
  /** What must hold of an answer. @returns what it was @default anything bounded */
  readonly check?: (answer: Uint8Array) => string
}

function streamTarget({ name, protocol, seeds, atOnce = 6, check = () => 'answered' }: StreamTargetInit): FuzzTarget {
  return {
    name,
    shape: 'frames',
    weight: 0.3,
    async open() {
      const serving = await startServing()
      const id = protocol(Buffer.from(sampleChain().genesis.chainId).toString('hex'))
      return {
        seeds: await seeds(),
        concurrency: atOnce,
        async run(input) {
          const { answer, status } = await exchange(await serving.open(id), input)
          const outcome = status === 'closed' ? check(answer) : status
          await serving.assertServes()
          return outcome
        },
        close: () => serving.close()
      }
    }
  }
}

function rpcTarget<Request, Response>(protocol: RpcProtocol<Request, Response>): FuzzTarget {
  return streamTarget({
    name: `serve/${protocol.name}`,
    protocol: (chain) => `/soma-p2p/${chain}/${protocol.name}/1`,
    seeds: async () => [...ownRequests(protocol), ...vectorRequests(protocol.name)],
    check: (answer) => checkAnswers(protocol, answer)
  })
}

/** Every frame is what the protocol says, and the node never failed inside. */
function checkAnswers<Response>(
  { response }: { readonly response: WireMessage<Response> },
  answer: Uint8Array
): string {
  const frames = splitFrames(answer)
  assert.equal(joinFrames(frames).byteLength, answer.byteLength, 'an answer cut short on a stream that was closed')
  let codes = ''
  for (const frame of frames) {
    const { body, status } = responseFrameMessage.decode(frame)
    if (body !== undefined) response.decode(body)
    assert.notEqual(status?.code, STATUS.internal, 'a hostile request made the handler fail')
    if (status !== undefined) codes += ` ${status.code} ${status.message}`
  }
  return `answered${codes.slice(0, 100)}`
}

function checkKad(answer: Uint8Array): string {
  const types = splitFrames(answer).map((frame) => kadMessage.decode(frame).type)
  return `answered ${types.slice(0, 10)}`
}

/** Sends an input in two chunks, closes, and waits for the other side to do the same. */
async function exchange(stream: Stream, input: Uint8Array): Promise<{ answer: Uint8Array; status: string }> {
  const parts: Uint8Array[] = []
  let bytes = 0
  const over = new Promise<void>((resolve) => {
    stream.addEventListener('close', () => resolve())
    stream.addEventListener('remoteCloseWrite', () => resolve())
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      parts.push(data.subarray())
      if (bytes > MAX_ANSWERS) stream.abort(new Error('an answer without an end'))
    })
    if (stream.status !== 'open') resolve() // one above the limit is reset before we have it
  })
  const middle = input.byteLength >> 1
  for (const chunk of [input.subarray(0, middle), input.subarray(middle)]) {
    if (stream.writeStatus === 'writable') stream.send(chunk)
  }
  stream.close().catch(() => {}) // it may be reset already
  await over
  assert.ok(bytes <= MAX_ANSWERS, 'an answer without an end')
  const status = stream.status === 'open' || stream.status === 'closing' ? 'closed' : stream.status
  if (stream.status === 'open') stream.abort(new Error('done'))
  return { answer: new Uint8Array(Buffer.concat(parts)), status }
}

/** Honest requests for what the node has: alone, and three on one stream. */
function ownRequests<Request, Response>({ name, request }: RpcProtocol<Request, Response>): Uint8Array[] {
  const { commits } = sampleChain()
  const { ref, commit } = commits[2]?.subDag.commit ?? {}
  assert.ok(ref !== undefined && commit !== undefined)
  const requests: Record<string, object[]> = {
    'get-known-peers': [{ ownInfo: undefined, knownDigest: undefined, knownPrefixes: new Uint8Array(16) }],
    'get-commit-availability': [{ timestampMs: 1 }],
    'get-commit-info': [{ latest: true }, { index: 3 }, { index: 0 }, { digest: ref.digest }],
    'fetch-commits': [
      { start: 1, end: 1 },
      { start: 2, end: 101 },
      { start: 7, end: 7 }
    ],
    'fetch-blocks': [{ refs: commit.blocks }, { refs: [...commit.blocks, ...commit.blocks] }, { refs: [] }],
    'push-commit': [{ commit: ref, lowestAvailable: 1 }]
  }
  const bodies = (requests[name] ?? []).map((one) => request.encode(one as Request))
  const frame = (keepOpen: boolean) => (body: Uint8Array) => requestFrameMessage.encode({ keepOpen, body })
  const alone = bodies.map((body) => joinFrames([frame(false)(body)]))
  const [first = new Uint8Array(0)] = bodies
  return [...alone, joinFrames([first, first].map(frame(true)).concat(frame(false)(first)))]
}

function vectorRequests(name: string): Uint8Array[] {
  type Vectors = { exchanges: { protocol: string; request: { frame: string } }[] }
  const { exchanges } = readVectors<Vectors>('frames')
  return exchanges.filter(({ protocol }) => protocol.includes(`/${name}/`)).map(({ request }) => fromHex(request.frame))
}

async function kadRequests(): Promise<Uint8Array[]> {
  const { peerId } = await makePeer(5)
  const id = peerId.toMultihash().bytes
  const rendezvous = rendezvousKey(sampleChain().genesis.chainId).multihash.bytes
  const providers = [{ id, addresses: [fromHex('047f000001062328')] }]
  const request = (type: number, fields: Partial<KadMessage>) =>
    joinFrames([kadMessage.encode({ key: undefined, closer: [], providers: [], ...fields, type })])
  return [
    request(KAD_TYPE.findNode, { key: id }),
    request(KAD_TYPE.getProviders, { key: rendezvous }),
    request(KAD_TYPE.addProvider, { key: rendezvous, providers }),
    request(KAD_TYPE.ping, {}),
    request(0, { key: id })
  ]
}
