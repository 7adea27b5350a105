import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { keepEarlyAnswers } from '../src/node/early-answers.ts'
import { encryptersOf } from '../src/node/encrypters.ts'
import { sparingWindowUpdates } from '../src/node/sparing-window-updates.ts'
import { type Rpc, rpc, YAMUX_STREAM_OPTIONS } from '../src/rpc/index.ts'
import { fetchBlocks, getCommitAvailability } from '../src/state-sync/protocols.ts'
import type { Answers, WireAddress, WireClient } from './wire.ts'

/** Servers bound what one peer may ask of them: here it is the wire that is measured. */
const UNBOUNDED = { rate: { perSecond: 1e9, burst: 1e9 } }
const BLOCKS = { ...fetchBlocks, ...UNBOUNDED }
const AVAILABILITY = { ...getCommitAvailability, ...UNBOUNDED }
/** Requests of one peer at once, each on a stream that is kept. */
const STREAMS = 64

/** Answers over libp2p, put together as a node's is. */
export async function serveLibp2p(encryption: 'noise' | 'tls', answers: Answers): Promise<WireAddress> {
  const libp2p = await start(encryption, ['/ip4/127.0.0.1/tcp/0'])
  const { rpc } = libp2p.services
  rpc.handle(BLOCKS, async function* (request) {
    yield* answers.fetchBlocks(request)
  })
  rpc.handle(AVAILABILITY, async (request) => answers.availability(request))
  return { address: String(libp2p.getMultiaddrs()[0]) }
}

/** @throws when the connection is not encrypted as it should be */
export async function connectLibp2p(encryption: 'noise' | 'tls', { address }: WireAddress): Promise<WireClient> {
  const libp2p = await start(encryption, [])
  const server = multiaddr(address)
  const peer = peerIdFromString(server.getComponents().at(-1)?.value ?? '')
  const connection = await libp2p.dial(server)
  if (connection.encryption?.includes(encryption) !== true)
    throw new Error(`the connection is ${connection.encryption}`)
  const { rpc } = libp2p.services
  return {
    async *fetchBlocks(request) {
      for await (const { blocks } of rpc.stream(peer, BLOCKS, request)) {
        yield blocks.reduce((sum, block) => sum + block.byteLength, 0)
      }
    },
    availability: (request) => rpc.call(peer, AVAILABILITY, request)
  }
}

async function start(encryption: 'noise' | 'tls', listen: string[]): Promise<Libp2p<{ rpc: Rpc }>> {
  return await createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: await encryptersOf({ encryption }),
    streamMuxers: [sparingWindowUpdates(keepEarlyAnswers(yamux({ streamOptions: YAMUX_STREAM_OPTIONS })))],
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      ping: ping(),
      rpc: rpc({
        chainId: new Uint8Array(32),
        maxInFlightPerPeer: STREAMS,
        maxInFlight: 8 * STREAMS, // nobody has more than a quarter of what is free
        maxIdleStreams: STREAMS
      })
    }
  })
}
