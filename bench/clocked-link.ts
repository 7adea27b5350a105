import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../src/index.ts'
import type { TcpAddress } from '../src/testing/delaying-proxy.ts'

/** A TCP proxy on loopback whose link takes its time on a clock that is passed in. */
export interface ClockedLink {
  readonly port: number
  /** Bytes that came in and went out, for whoever waits until nothing moves. */
  readonly bytes: number
}

/** Starts one in front of an address, where nobody need listen yet. It lives as long as its process. */
export async function startClockedLink(target: TcpAddress, clock: Clock, delayMs: number): Promise<ClockedLink> {
  let bytes = 0
  const carry = (from: Socket, to: Socket) => {
    const later = (act: () => void) => void clock.sleep(delayMs).then(act)
    from.on('data', (chunk) => {
      bytes += chunk.byteLength
      later(() => {
        bytes += chunk.byteLength
        to.write(chunk)
      })
    })
    from.on('end', () => later(() => to.end()))
    from.on('error', () => to.destroy())
  }
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, async (client) => {
    await clock.sleep(2 * delayMs) // as long as TCP takes before the first byte goes out
    const upstream = connect({ ...target, allowHalfOpen: true })
    for (const socket of [client, upstream]) socket.setNoDelay(true)
    carry(client, upstream)
    carry(upstream, client)
    client.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes
    }
  }
}
