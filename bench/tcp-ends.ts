import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { pipeline, Readable } from 'node:stream'
import { childOptions } from './child.ts'

/** A process that writes without an end to whoever connects to it. It tells where; and then, given the ports of links to itself, what comes over them. */
export interface TcpEndsOptions {
  readonly milliseconds: number
}

/** What came, from the first byte on. */
export interface TcpRate {
  readonly bytes: number
  readonly seconds: number
}

const { milliseconds } = childOptions<TcpEndsOptions>()
const piece = new Uint8Array(64 * 1024)
function* endless(): Generator<Uint8Array> {
  for (;;) yield piece
}
const server = createServer((socket) => pipeline(Readable.from(endless()), socket, () => socket.destroy()))
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send?.({ address: `/ip4/127.0.0.1/tcp/${(server.address() as AddressInfo).port}` })

const [ports] = (await once(process, 'message')) as [number[]]
const sockets = ports.map((port) => connect(port, '127.0.0.1'))
await Promise.all(sockets.map((socket) => once(socket, 'readable')))
const begun = performance.now()
let bytes = 0
for (const socket of sockets) socket.on('data', (chunk) => (bytes += chunk.byteLength))
await new Promise((resolve) => setTimeout(resolve, milliseconds))
process.send?.({ bytes, seconds: (performance.now() - begun) / 1_000 } satisfies TcpRate)
for (const socket of sockets) socket.destroy()
