import { isIP } from 'node:net'
import { OperatorError } from './operator-error.ts'

/** Where an HTTP server listens. */
export interface ListenAddress {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/**
 * Reads an address and a port, such as `127.0.0.1:9100`, `[::1]:0` or `localhost:9100`.
 *
 * @throws {OperatorError} `HTTP_LISTEN_INVALID`
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  const isSixth = bracketed !== undefined && isIP(bracketed) === 6
  const isOther = plain !== undefined && (plain === 'localhost' || isIP(plain) === 4)
  const host = bracketed ?? plain
  if (host !== undefined && (isSixth || isOther) && port <= 65_535) return { host, port }
  throw new OperatorError(
    'HTTP_LISTEN_INVALID',
    `an address and a port such as 127.0.0.1:9100 should be given, not ${text}`
  )
}

/** Whether nobody but this machine reaches the address. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '').replace(/^::ffff:/i, '')
  return (
    address === '::1' || address.toLowerCase() === 'localhost' || (isIP(address) === 4 && address.startsWith('127.'))
  )
}

/** The host that a request's `Host` header names, without its port. */
export function hostOf(header: string): string {
  return header.replace(/:\d*$/, '')
}
