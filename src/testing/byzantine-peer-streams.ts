import { setTimeout as delay } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { encode as varint } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { MAX_RESPONSE_FRAME_BYTES } from '../rpc/frame-messages.ts'
import type { StreamLie } from './byzantine-peer-script.ts'

/** Lies below the frames: what a peer may do with a stream that no frame codec would. */

/** Announces a frame above the limit, and begins to send it. @param bytes its length. @default one above the limit of any answer */
export function oversizeFrame(bytes: number = MAX_RESPONSE_FRAME_BYTES + 1): StreamLie {
  return async ({ stream, requested }) => {
    await requested
    stream.send(new Uint8ArrayList(Uint8Array.of(...varint(bytes)), new Uint8Array(1_024)))
    await closed(stream)
  }
}

/** Sends a length prefix that has no end. */
export function endlessPrefix(): StreamLie {
  return async ({ stream, requested }) => {
    await requested
    stream.send(new Uint8Array(64).fill(0x80))
    await closed(stream)
  }
}

/** Sends a whole frame that holds other bytes than a message. */
export function garbageFrame(content: Uint8Array): StreamLie {
  return async ({ stream, requested }) => {
    await requested
    stream.send(new Uint8ArrayList(Uint8Array.of(...varint(content.byteLength)), content))
    await closed(stream)
  }
}

/** Answers honestly for so many bytes, then resets the stream. */
export function tornAfter(bytes: number): StreamLie {
  return async ({ stream, honest }) => {
    await sendFirst(bytes, stream, honest())
    if (stream.writableNeedsDrain)
      await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
    throw new Error('torn')
  }
}

/** Answers honestly for so many bytes, then ends the stream as if that were all. */
export function endedAfter(bytes: number): StreamLie {
  return async ({ stream, honest }) => {
    await sendFirst(bytes, stream, honest())
    await stream.close()
  }
}

/** Takes the request and says nothing. */
export function silence(): StreamLie {
  return async ({ stream, requested }) => {
    await requested
    await closed(stream)
  }
}

/** Answers honestly, but a byte at a time. */
export function trickle(everyMs: number): StreamLie {
  return async ({ stream, honest }) => {
    const end = new AbortController()
    stream.addEventListener('close', () => end.abort(), { once: true })
    for await (const frame of honest()) {
      for (const byte of frame.subarray()) {
        stream.send(Uint8Array.of(byte))
        await delay(everyMs, undefined, { signal: end.signal })
      }
    }
  }
}

async function closed(stream: Stream): Promise<void> {
  if (stream.status !== 'open') return
  await new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))
}

/** Sends so many bytes of an honest answer, or all of it where it is shorter. */
async function sendFirst(bytes: number, stream: Stream, answer: AsyncIterable<Uint8ArrayList>): Promise<void> {
  let left = bytes
  for await (const frame of answer) {
    stream.send(frame.subarray(0, left))
    left -= frame.byteLength
    if (left <= 0) return
  }
}
