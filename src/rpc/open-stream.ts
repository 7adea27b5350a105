import type { Connection, Stream } from '@libp2p/interface'
import { toError } from '../runtime/soma-error.ts'
import { RpcError } from './rpc-error.ts'

/**
 * Most streams of one protocol on a connection, in each direction. libp2p resets the 33rd by default; here every stream with a request under
 * way counts as well as those kept for the next, and what is too much is refused with a status, not with a reset.
 */
export const MAX_STREAMS = 256

/** When to try again after this side opened too many streams, in milliseconds. */
const TOO_MANY_STREAMS_RETRY_MS = 100

/**
 * Opens a stream on the first connection that will have it: two nodes that dialled each other have two, of which one may be closing.
 *
 * @throws {RpcError} `RPC_NOT_CONNECTED`, `RPC_UNSUPPORTED`, `RPC_STREAM_TORN`, `RPC_RATE_LIMITED` (by ourselves), or the signal's reason
 */
export async function openStream(
  connections: readonly Connection[],
  protocol: string,
  signal: AbortSignal
): Promise<Stream> {
  for (const connection of [...connections]) {
    if (connection.status !== 'open' || connection.limits !== undefined) continue
    try {
      return await openOn(connection, protocol, signal)
    } catch (thrown) {
      signal.throwIfAborted()
      if (isUsable(connection, toError(thrown))) throw asRpcError(toError(thrown))
    }
  }
  throw new RpcError('RPC_NOT_CONNECTED', 'no connection to the peer')
}

async function openOn(connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
  const stream = await connection.newStream(protocol, {
    signal,
    maxOutboundStreams: MAX_STREAMS,
    runOnLimitedConnection: false
  })
  if (signal.aborted) stream.abort(toError(signal.reason))
  signal.throwIfAborted()
  return stream
}

/** Whether it was not the connection that failed. */
function isUsable(connection: Connection, { name }: Error): boolean {
  return connection.status === 'open' && name !== 'ConnectionClosedError' && name !== 'MuxerClosedError'
}

function asRpcError(cause: Error): RpcError {
  switch (cause.name) {
    case 'UnsupportedProtocolError':
      return new RpcError('RPC_UNSUPPORTED', 'the peer does not speak the protocol', { cause })
    case 'TooManyOutboundProtocolStreamsError':
      return new RpcError('RPC_RATE_LIMITED', 'too many streams to the peer', {
        cause,
        retryAfterMs: TOO_MANY_STREAMS_RETRY_MS
      })
    default:
      return new RpcError('RPC_STREAM_TORN', `no stream could be opened: ${cause.message}`, { cause })
  }
}
