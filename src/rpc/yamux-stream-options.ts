import { MAX_RESPONSE_FRAME_BYTES } from './frame-messages.ts'

const MIB = 1024 * 1024

/**
 * What `yamux({ streamOptions })` needs to be given for backpressure to work.
 *
 * By default yamux grows a stream's window to 16 MiB and resets a stream with 4 MiB unread, so that a fast peer kills a slow reader. The window
 * must stay within the read buffer. `initialStreamWindowSize` must stay at its default: it is also what this side believes it may send.
 */
export const YAMUX_STREAM_OPTIONS: Readonly<{
  maxStreamWindowSize: number
  maxReadBufferLength: number
  maxWriteBufferLength: number
}> = {
  /** What a peer may send ahead of the reader: 20 MiB/s at a round trip of 100 ms. */
  maxStreamWindowSize: 2 * MIB,
  maxReadBufferLength: 4 * MIB,
  /** A writer waits before it sends the next frame, so one frame and its head are the most that ever wait. */
  maxWriteBufferLength: 2 * MAX_RESPONSE_FRAME_BYTES
}
