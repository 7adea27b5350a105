import type { TestContext } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { Libp2p, Startable } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { createDht, type DhtComponents } from '../../src/discovery/dht/create-dht.ts'
import type { Dht } from '../../src/discovery/dht/dht.ts'
import { connectionWatch } from '../../src/node/connection-watch.ts'
import { keepEarlyAnswers } from '../../src/node/early-answers.ts'
import { pings } from '../../src/node/pings.ts'
import { createPeerGate, type Peers, peers } from '../../src/peers/index.ts'
import { YAMUX_STREAM_OPTIONS } from '../../src/rpc/index.ts'
import { loopbackRule } from '../discovery/dht/start-dht.ts'
import { quietLogger } from '../peers/start-node.ts'
import { SMOLDOT_KAD_PROTOCOL } from './smoldot-chain.ts'

export type SmoldotNode = Libp2p<{ dht: Dht & Startable }>

/** Milliseconds between the pings of the node: fewer than others have, so that a test sees some. */
const PING_INTERVAL_MS = 1_000

/** A node on loopback whose DHT goes by the name that smoldot asks for. Otherwise it is made as every node is. */
export async function startSmoldotNode(context: TestContext): Promise<SmoldotNode> {
  const gate = createPeerGate()
  const node: SmoldotNode = await createLibp2p({
    logger: quietLogger,
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [keepEarlyAnswers(yamux({ streamOptions: YAMUX_STREAM_OPTIONS }))],
    connectionGater: gate.connectionGater,
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      pings: pings({ sweepMs: PING_INTERVAL_MS / 5 }),
      connectionWatch: connectionWatch({ beatMs: PING_INTERVAL_MS / 10 }),
      peers: peers({ gate }),
      dht: (components: DhtComponents & { peers: Peers }) =>
        createDht(components, {
          chainId: new Uint8Array(32),
          protocol: SMOLDOT_KAD_PROTOCOL,
          mode: 'server',
          addressRule: loopbackRule(true),
          mayAnnounce: () => true,
          isBanned: () => false,
          dial: (peer, options) => components.peers.dial(peer, options)
        })
    }
  })
  context.after(() => node.stop())
  return node
}
