import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Connection, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { encode as varint } from 'uint8-varint'
import { decodeGenesis, fromHex } from '../../src/index.ts'
import { requestFrameMessage } from '../../src/rpc/frame-messages.ts'
import { protocolId } from '../../src/rpc/protocol-id.ts'
import { YAMUX_STREAM_OPTIONS } from '../../src/rpc/yamux-stream-options.ts'
import type { WireMessage } from '../../src/runtime/wire-message.ts'
import { fetchBlocks, fetchCommits, getCommitInfo } from '../../src/state-sync/protocols.ts'

/** A process of peers that attack a server, each with a connection of its own, until it is ended. It tells when the attack is under way. */
export interface ServingAttackOptions {
  readonly attack: AttackName
  readonly genesis: string
  readonly address: string
  readonly peers: number
  /** Streams that each opens at once. */
  readonly streams: number
  /** A FetchBlocksRequest for blocks that the server has, in hex. */
  readonly blocks: string
}

export type AttackName = 'hoard' | 'half-open' | 'never-read' | 'flood' | 'cost' | 'rapid-reset' | 'trickle'

const options = JSON.parse(process.argv[2] ?? '{}') as ServingAttackOptions
const { chainId } = decodeGenesis(fromHex(options.genesis))
const server: Multiaddr = multiaddr(options.address)
const idOf = ({ name }: { readonly name: string }) => protocolId(chainId, name)

function framed(body: Uint8Array): Uint8Array {
  const frame = requestFrameMessage.encode({ keepOpen: true, body })
  return Buffer.concat([varint(frame.byteLength), frame])
}

function request<T>(message: WireMessage<T>, content: T): Uint8Array {
  return framed(message.encode(content))
}

const lookup = request(getCommitInfo.request, { latest: true, index: undefined, digest: undefined })
const range = request(fetchCommits.request, { start: 1, end: 40 })
const blocks = framed(fromHex(options.blocks))
const unknown = { epoch: 0, round: 1, author: 0, digest: new Uint8Array(32).fill(9) }
const manyUnknown = request(fetchBlocks.request, {
  refs: Array.from({ length: 1_000 }, (_, index) => ({ ...unknown, round: index + 1 }))
})

async function open(connection: Connection, protocol: { readonly name: string }): Promise<Stream> {
  return await connection.newStream(idOf(protocol), { maxOutboundStreams: 10_000, signal: AbortSignal.timeout(30_000) })
}

/** Sends the same for as long as the stream takes it, and reads nothing of the answers but what makes room. */
async function pour(stream: Stream, content: Uint8Array): Promise<void> {
  stream.addEventListener('message', () => {})
  while (stream.status === 'open') {
    if (!stream.send(content)) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise(setImmediate)
  }
}

/** What a peer does with one stream; it may end at any time, for the server defends itself. */
const ATTACKS: Record<AttackName, (connection: Connection) => Promise<void>> = {
  async hoard(connection) {
    const stream = await open(connection, fetchBlocks)
    stream.addEventListener('message', () => {})
    await new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))
  },
  async 'half-open'(connection) {
    const stream = await open(connection, getCommitInfo)
    stream.send(lookup.subarray(0, 1))
    await new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))
  },
  async 'never-read'(connection) {
    const stream = await open(connection, fetchBlocks)
    stream.addEventListener('message', () => stream.pause())
    stream.send(blocks)
    await new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))
  },
  async flood(connection) {
    await pour(await open(connection, getCommitInfo), lookup)
  },
  async cost(connection) {
    await pour(await open(connection, fetchBlocks), manyUnknown)
  },
  async 'rapid-reset'(connection) {
    while (connection.status === 'open') {
      // it has been opened when it is reset, long before its protocol is agreed on
      connection.newStream(idOf(getCommitInfo), { signal: AbortSignal.abort() }).catch(() => {})
      await new Promise(setImmediate)
    }
  },
  async trickle(connection) {
    const stream = await open(connection, fetchCommits)
    for (const byte of range) {
      stream.send(Uint8Array.of(byte))
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}

/** Goes on and on. Who is banned, or shut out, tries again more slowly: it is not handshakes that are the attack. */
async function attack(libp2p: Libp2p): Promise<void> {
  for (;;) {
    try {
      const connection = await libp2p.dial(server)
      await Promise.allSettled(Array.from({ length: options.streams }, () => ATTACKS[options.attack](connection)))
      await new Promise((resolve) => setTimeout(resolve, connection.status === 'open' ? 100 : 1_000))
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}

process.on('disconnect', () => process.exit(0))
const attackers: Libp2p[] = []
for (let index = 0; index < options.peers; index++) {
  const libp2p = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })],
    connectionMonitor: { enabled: false },
    services: { identify: identify(), ping: ping() }
  })
  await libp2p.dial(server)
  attackers.push(libp2p)
}
for (const libp2p of attackers) void attack(libp2p)
process.send?.('attacking')
