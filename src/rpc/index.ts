/**
 * Request and response over libp2p streams: unary and server-streaming, with statuses, deadlines, limits and real backpressure.
 *
 * A frame is an unsigned varint length and a protobuf message. The client sends a request frame; the server answers with any number of response
 * frames that hold a body and one that holds the status, which is always the last. A stream carries one request after the other as long as the
 * client says so, and is then kept for the next.
 *
 * Give yamux the `YAMUX_STREAM_OPTIONS`: without them a slow reader of a fast peer is reset.
 *
 * @example
 *
 * ```typescript
 * import { noise } from '@chainsafe/libp2p-noise'
 * import { yamux } from '@chainsafe/libp2p-yamux'
 * import { tcp } from '@libp2p/tcp'
 * import { createLibp2p } from 'libp2p'
 * import { type RpcProtocol, rpc, wire, YAMUX_STREAM_OPTIONS } from 'soma-p2p'
 *
 * const greeting = wire.message('Greeting', { text: wire.string(1, 100) })
 * const greet: RpcProtocol<wire.Infer<typeof greeting>, wire.Infer<typeof greeting>> = {
 *   name: 'greet', kind: 'unary', request: greeting, response: greeting,
 *   maxRequestBytes: 1_024, maxResponseBytes: 1_024,
 *   deadlines: { firstFrameMs: 10_000, betweenFramesMs: 10_000, totalMs: 10_000 }
 * }
 * const node = await createLibp2p({
 *   transports: [tcp()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })],
 *   services: { rpc: rpc({ chainId: genesis.chainId }) }
 * })
 * node.services.rpc.handle(greet, async ({ text }) => ({ text: `${text} yourself` }))
 * const { text } = await node.services.rpc.call(peerId, greet, { text: 'hello' })
 * ```
 */
export { MAX_REQUEST_FRAME_BYTES, MAX_RESPONSE_FRAME_BYTES } from './frame-messages.ts'
export { protocolId } from './protocol-id.ts'
export type { Rate } from './rate-limiter.ts'
export type { Rpc, RpcContext, RpcDeadlines, RpcHandler, RpcProtocol, StreamOptions } from './rpc.ts'
export { RpcError, type RpcErrorCode, STATUS, type StatusName } from './rpc-error.ts'
export type { ExchangeRecord, RpcInit, RpcSide } from './rpc-init.ts'
export { type RpcComponents, rpc } from './rpc-service.ts'
export { type Libp2pModule, StreamOpenings, type StreamOpeningsInit } from './stream-openings.ts'
export { YAMUX_STREAM_OPTIONS } from './yamux-stream-options.ts'
