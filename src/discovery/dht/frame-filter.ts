import { type Stream, StreamMessageEvent } from '@libp2p/interface'
import { encode } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { Deframer } from '../../rpc/deframer.ts'
import { toError } from '../../runtime/soma-error.ts'

export interface FrameFilterInit {
  /** Most bytes of a frame. */
  readonly maxBytes: number
  /** Looks at a frame. @returns what is passed on in its place; what it throws refuses the frame and resets the stream */
  readonly pass: (frame: Uint8Array) => Uint8Array
  /** Called once, when a frame was refused. */
  readonly onRefused: (error: Error) => void
}

/** What stands between a stream and its reader. */
export interface FrameFilter {
  /** Whether part of a frame is waiting for the rest. */
  readonly isMidFrame: boolean
}

/**
 * Hands a stream's reader whole frames only, each after a look at it: readers of libp2p take length prefixes without an end, and buffer megabytes.
 * To be put up before the reader listens, and in the same turn.
 */
export function filterFrames(stream: Stream, { maxBytes, pass, onRefused }: FrameFilterInit): FrameFilter {
  const deframer = new Deframer()
  let isPassing = false
  let isOver = false
  stream.addEventListener('message', (event) => {
    if (isPassing) return
    event.stopImmediatePropagation()
    if (isOver) return
    try {
      deframer.push(event.data)
      for (let frame = deframer.take(maxBytes); frame !== undefined; frame = deframer.take(maxBytes)) {
        const passed = pass(frame)
        isPassing = true
        stream.dispatchEvent(new StreamMessageEvent(new Uint8ArrayList(encode(passed.byteLength), passed)))
        isPassing = false
      }
    } catch (thrown) {
      isOver = true
      const error = toError(thrown)
      onRefused(error)
      stream.abort(error)
    }
  })
  return deframer
}
