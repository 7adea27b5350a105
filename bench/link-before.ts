import { type DelayingProxy, type LinkCondition, startDelayingProxy } from '../src/testing/index.ts'

/** A slow link in front of a node. */
export interface LinkBefore {
  readonly proxy: DelayingProxy
  /** The node's multiaddr at the near end of the link. */
  readonly address: string
}

const TCP_PORT = /\/tcp\/(\d+)/

/** Starts a link to the node at a multiaddr of loopback. */
export async function linkBefore(address: string, condition: LinkCondition): Promise<LinkBefore> {
  const port = Number(TCP_PORT.exec(address)?.[1])
  const proxy = await startDelayingProxy({ target: { host: '127.0.0.1', port }, ...condition })
  return { proxy, address: address.replace(TCP_PORT, `/tcp/${proxy.address.port}`) }
}
