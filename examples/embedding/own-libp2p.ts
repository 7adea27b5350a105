// The services in a libp2p of one's own, beside a protocol of one's own: node -C source examples/embedding/own-libp2p.ts
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import {
  acquireSignaturePool,
  type CommitStore,
  createBlockVerifier,
  createDelivery,
  createPeerGate,
  discovery,
  HealthRegistry,
  openMemoryStore,
  peers,
  type RpcProtocol,
  rpc,
  stateSync,
  systemClock,
  systemRandom,
  wire,
  YAMUX_STREAM_OPTIONS
} from 'soma-p2p'
import { buildChain, writeChain } from 'soma-p2p/testing'

/** A question of one's own, on the transport of all others: its frames, limits, deadlines and refusals are theirs. */
const feeEstimate: RpcProtocol<{ readonly bytes: number }, { readonly fee: number }> = {
  name: 'fee-estimate',
  kind: 'unary',
  request: wire.message('FeeEstimateRequest', { bytes: wire.uint32(1) }),
  response: wire.message('FeeEstimateResponse', { fee: wire.uint64(1) }),
  maxRequestBytes: 16,
  maxResponseBytes: 16,
  deadlines: { firstFrameMs: 5_000, betweenFramesMs: 5_000, totalMs: 5_000 }
}

const { genesis, commits } = buildChain({ commits: 300 })
const signatures = acquireSignaturePool({ workers: 2 })

/** What `createNode` puts together, by hand: each part may be another, or be left away. This one takes no part in the DHT. */
async function startNode(store: CommitStore, seeds: readonly string[]) {
  const { chainId } = genesis
  const delivery = createDelivery({ store })
  const gate = createPeerGate({ records: store }) // bans outlive a restart
  const fail = (error: Error): void => {
    process.exitCode = 1
    console.error(error)
  }
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })], // without them, slow readers are reset
    connectionGater: gate.connectionGater,
    connectionManager: { maxConnections: Number.POSITIVE_INFINITY }, // `peers` has a better rule whom to part from
    services: {
      identify: identify(),
      ping: ping(),
      rpc: rpc({ chainId, onFault: (peer, error) => libp2p.services.peers.report(peer, error) }),
      peers: peers({ gate, maxConnections: 50 }),
      discovery: discovery({
        genesis,
        seeds,
        dht: false,
        records: store,
        config: { privateNetwork: true },
        onFailure: fail
      }),
      stateSync: stateSync({
        genesis,
        store,
        blockVerifier: createBlockVerifier({
          chainId,
          signatures,
          bls: signatures,
          getCommittee: (epoch) => store.getCommittee(epoch)
        }),
        clock: systemClock,
        random: systemRandom,
        health: new HealthRegistry(),
        onStored: () => delivery.advance(),
        onEpoch: (committee) => libp2p.services.discovery.setCommittee(committee),
        slowestCursor: () => delivery.slowest(),
        onFailure: fail
      })
    }
  })
  libp2p.services.rpc.handle(feeEstimate, async ({ bytes }) => ({ fee: 10 * bytes }))
  return {
    libp2p,
    delivery,
    addresses: () => libp2p.getMultiaddrs().map(String),
    /** In this order: who serves first, then who waits for commits, then what both stand on. */
    async stop() {
      await libp2p.stop()
      await delivery.stop()
      await store.close()
    }
  }
}

const full = await openMemoryStore({ genesis })
await writeChain(full, commits)
const server = await startNode(full, [])
const client = await startNode(await openMemoryStore({ genesis }), server.addresses())

for await (const { commit } of client.delivery.subscribe({ from: commits.length })) {
  console.log(`synced to commit ${commit.ref.index}`)
  break
}
const { fee } = await client.libp2p.services.rpc.call(server.libp2p.peerId, feeEstimate, { bytes: 250 })
console.log(`250 bytes cost ${fee}, says the peer that discovery has found`)

await client.stop()
await server.stop()
await signatures.release()
