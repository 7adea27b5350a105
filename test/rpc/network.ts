import type { TestContext } from 'node:test'
import type { Libp2p, Startable } from '@libp2p/interface'
import { type Rpc, type RpcInit, rpc } from '../../src/rpc/index.ts'
import { startNode } from '../peers/start-node.ts'

export type RpcNode = Libp2p<{ rpc: Rpc & Startable }>

export const CHAIN_ID: Uint8Array = new Uint8Array(32).fill(7)

/** A started node on loopback, stopped at the end of the test. */
export async function startRpcNode(context: TestContext, init: Partial<RpcInit> = {}): Promise<RpcNode> {
  return await startNode(context, { services: { rpc: rpc({ chainId: CHAIN_ID, ...init }) } })
}

/** Two such nodes, the client connected to the server. */
export async function startTwoNodes(
  context: TestContext,
  init: { client?: Partial<RpcInit>; server?: Partial<RpcInit> } = {}
): Promise<{ client: RpcNode; server: RpcNode }> {
  const client = await startRpcNode(context, init.client)
  const server = await startRpcNode(context, init.server)
  const connected = new Promise((resolve) => server.addEventListener('peer:connect', resolve, { once: true }))
  await client.dial(server.getMultiaddrs())
  await connected
  return { client, server }
}
