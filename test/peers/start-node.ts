import type { TestContext } from 'node:test'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { type Identify, identify } from '@libp2p/identify'
import type {
  ComponentLogger,
  ConnectionGater,
  Libp2p,
  Logger,
  PrivateKey,
  ServiceMap,
  Startable
} from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p, type Libp2pInit, type ServiceFactoryMap } from 'libp2p'
import { connectionWatch } from '../../src/node/connection-watch.ts'
import { YAMUX_STREAM_OPTIONS } from '../../src/rpc/yamux-stream-options.ts'

const silent: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silent
})

/** A logger that says nothing. */
export const quietLogger: ComponentLogger = { forComponent: () => silent }

/** What every node has. */
export const baseServices: ServiceFactoryMap<{ identify: Identify; ping: Ping; connectionWatch: Startable }> = {
  identify: identify(),
  ping: ping(),
  connectionWatch: connectionWatch()
}

export interface TestNodeInit<T extends ServiceMap> {
  readonly services: ServiceFactoryMap<T>
  readonly privateKey?: PrivateKey
  readonly connectionGater?: ConnectionGater
  /** @default '/ip4/127.0.0.1/tcp/0' */
  readonly listen?: string
  /** The address that it dials from. @default what the machine chooses */
  readonly dialFrom?: string
  readonly metrics?: NonNullable<Libp2pInit['metrics']>
}

/** A libp2p node on loopback, started, and stopped at the end of the test. */
export async function startNode<T extends ServiceMap>(
  context: TestContext,
  { services, listen = '/ip4/127.0.0.1/tcp/0', dialFrom, ...init }: TestNodeInit<T>
): Promise<Libp2p<T>> {
  // handed on to the socket, though no declared option
  const dialOpts = { noDelay: true, localAddress: dialFrom }
  const node = await createLibp2p({
    ...init,
    logger: quietLogger,
    addresses: { listen: [listen] },
    transports: [tcp(dialFrom === undefined ? {} : { dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })],
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY, maxIncomingPendingConnections: 100 },
    connectionMonitor: { enabled: false }, // it parts from everyone when a busy machine answers a ping late
    services
  })
  context.after(() => node.stop())
  return node
}
