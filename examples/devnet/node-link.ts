import { startDelayingProxy } from '../../src/testing/delaying-proxy.ts'
import { unusedPort } from '../../src/testing/unused-port.ts'

/** How a node is reached. */
export interface NodeLink {
  /** Multiaddrs to listen on. */
  readonly listen: string[]
  /** Multiaddrs to announce; those listened on where there are none. */
  readonly announce: string[]
  close(): Promise<void>
}

/** The node's way to the others: the loopback, or a slow link before it, whose far end alone is announced. */
export async function openNodeLink(megabitsPerSecond: number | undefined): Promise<NodeLink> {
  if (megabitsPerSecond === undefined) return { listen: [loopback(0)], announce: [], close: async () => undefined }
  const port = await unusedPort()
  const proxy = await startDelayingProxy({ target: { host: '127.0.0.1', port }, megabitsPerSecond })
  return { listen: [loopback(port)], announce: [loopback(proxy.address.port)], close: () => proxy.stop() }
}

function loopback(port: number): string {
  return `/ip4/127.0.0.1/tcp/${port}`
}

/** The proxy must know the port before the node listens on it. */
