import type { Stream } from '@libp2p/interface'
import { type MuxerModule, withOpenedStreams } from './opened-streams.ts'

/** What a stream of yamux has besides, as far as it is looked at here. */
interface YamuxStream extends Stream {
  /** Bytes that the peer may send ahead of the reader. */
  readonly recvWindow: number
  /** How many of them are left to it. */
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** The window that every stream begins with, by yamux' specification. While it has not grown, updates are also what it is measured by. */
const INITIAL_WINDOW_BYTES = 256 * 1024
/** The peer is told of new room once so much of its window is used: a part so small that it need not stop for lack of room over a long link. */
const USED_SHARE = 1 / 4

/**
 * A muxer that tells the peer of room in a stream's window now and then. Yamux tells it after every frame that comes, so that each 64 KiB of an answer cost a
 * frame, an encryption and a write in the other direction, at both ends.
 *
 * Only streams that this side opens: large answers come on them.
 */
export function sparingWindowUpdates<Components>(module: MuxerModule<Components>): MuxerModule<Components> {
  return withOpenedStreams(module, (stream) => {
    if (isOfYamux(stream)) spareUpdates(stream)
  })
}

function spareUpdates(stream: YamuxStream): void {
  const sendWindowUpdate = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const { recvWindow, recvWindowCapacity } = stream
    const used = recvWindow - recvWindowCapacity
    if (recvWindow > INITIAL_WINDOW_BYTES && used < recvWindow * USED_SHARE) return
    sendWindowUpdate()
  }
}

function isOfYamux(stream: Stream): stream is YamuxStream {
  return (
    'recvWindow' in stream &&
    typeof stream.recvWindow === 'number' &&
    'recvWindowCapacity' in stream &&
    typeof stream.recvWindowCapacity === 'number' &&
    'sendWindowUpdate' in stream &&
    typeof stream.sendWindowUpdate === 'function'
  )
}
