import { once } from 'node:events'
import type { TestContext } from 'node:test'
import type { Libp2p, Stream } from '@libp2p/interface'
import type { RpcError, RpcInit, RpcProtocol } from '../../src/rpc/index.ts'
import { startNode } from '../peers/start-node.ts'
import { type RpcNode, startRpcNode } from './network.ts'

/** A fault that a node reported, as `side protocol code`. */
export interface FaultLog {
  readonly faults: string[]
  readonly onFault: NonNullable<RpcInit['onFault']>
  /** Resolves with the first fault reported, now or later. */
  readonly first: Promise<RpcError>
}

export function faultLog(): FaultLog {
  const { promise: first, resolve } = Promise.withResolvers<RpcError>()
  const faults: string[] = []
  return {
    faults,
    first,
    onFault(_, error, { side, protocol }) {
      faults.push(`${side} ${protocol} ${error.code}`)
      resolve(error)
    }
  }
}

/** A node that asks, connected to a peer that answers each stream of a protocol by a script of its own. */
export async function startScriptedServer<Request, Response>(
  context: TestContext,
  protocol: RpcProtocol<Request, Response>,
  script: (stream: Stream, turn: number) => void | Promise<void>,
  init: Partial<RpcInit> = {}
): Promise<{ client: RpcNode; server: Libp2p }> {
  const client = await startRpcNode(context, init)
  const server = await startNode(context, { services: {} })
  let turn = 0
  await server.handle(client.services.rpc.protocolId(protocol), (stream) => {
    turn += 1
    return script(stream, turn)
  })
  await client.dial(server.getMultiaddrs())
  return { client, server }
}

/** A node that serves, and a stream to it of a peer that may send whatever it likes. */
export async function openRawStream<Request, Response>(
  context: TestContext,
  server: RpcNode,
  protocol: RpcProtocol<Request, Response>
): Promise<Stream> {
  const [stream] = await openRawStreams(context, server, protocol, 1)
  return stream as Stream
}

/** The same with some streams of one peer. */
export async function openRawStreams<Request, Response>(
  context: TestContext,
  server: RpcNode,
  protocol: RpcProtocol<Request, Response>,
  count: number
): Promise<Stream[]> {
  const client = await startNode(context, { services: {} })
  const connection = await client.dial(server.getMultiaddrs())
  const id = server.services.rpc.protocolId(protocol)
  return await Promise.all(Array.from({ length: count }, () => connection.newStream(id)))
}

/** Resolves with the next bytes on a stream. */
export async function received(stream: Stream): Promise<Uint8Array> {
  const [event] = (await once(stream as unknown as EventTarget, 'message')) as [{ data: Uint8Array }]
  return event.data.subarray()
}

/** Resolves when a stream is over, with how. */
export async function closed(stream: Stream): Promise<Stream['status']> {
  if (stream.status === 'open') await once(stream as unknown as EventTarget, 'close')
  return stream.status
}
