import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { median } from './figure.ts'

/** Somebody who pings nodes. */
export interface Pinger extends AsyncDisposable {
  readonly peerId: string
  /** The median time of a ping to a node, in milliseconds. The connection is closed again. */
  roundTripMs(address: string): Promise<number>
}

const PINGS = 11

/** A libp2p node that does nothing else. */
export async function startPinger(): Promise<Pinger> {
  const libp2p = await createLibp2p<{ ping: Ping; identify: unknown }>({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    services: { ping: ping(), identify: identify() }
  })
  return {
    peerId: libp2p.peerId.toString(),
    async roundTripMs(address) {
      const connection = await libp2p.dial(multiaddr(address))
      const times: number[] = []
      while (times.length < PINGS) times.push(await libp2p.services.ping.ping(connection.remotePeer))
      await connection.close()
      return median(times)
    },
    async [Symbol.asyncDispose]() {
      await libp2p.stop()
    }
  }
}
