import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { connect, createServer } from 'node:tls'
import { fetchBlocksResponseMessage } from '../src/state-sync/messages.ts'
import { selfSigned } from './self-signed.ts'
import type { Answers, WireAddress, WireClient } from './wire.ts'

/** Sends the bytes of the same answers to whoever connects, without a question or an end: what Node's TLS can do. */
export async function serveBareTls(answers: Answers): Promise<WireAddress> {
  const { key, cert } = await selfSigned()
  const [frame] = [...answers.fetchBlocks({ refs: [] })]
  const bytes = fetchBlocksResponseMessage.encode(frame ?? { blocks: [] })
  function* endless(): Generator<Uint8Array> {
    for (;;) yield bytes
  }
  const server = createServer({ key, cert }, (socket) => {
    pipeline(Readable.from(endless()), socket, () => socket.destroy()) // until the reader has enough
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { address: String((server.address() as AddressInfo).port), certificate: cert }
}

/** Takes what comes. */
export function connectBareTls({ address, certificate = '' }: WireAddress): WireClient {
  return {
    async *fetchBlocks() {
      const socket = connect({ host: '127.0.0.1', port: Number(address), ca: certificate, servername: 'localhost' })
      try {
        for await (const chunk of socket as AsyncIterable<Buffer>) yield chunk.byteLength
      } finally {
        socket.destroy()
      }
    },
    availability: () => Promise.reject(new Error('bare TLS has no requests'))
  }
}
