import net from 'node:net'

/**
 * Makes every connection of this process come from an address of the loopback that is its own, so that the links tell by it who dials. libp2p has no way to say so
 * through a node's configuration.
 */
export function dialFrom(localAddress: string): void {
  const { connect } = net
  net.connect = ((...given: unknown[]) => {
    const [options, ...rest] = given
    const isAddress = typeof options === 'object' && options !== null && 'port' in options
    return Reflect.apply(connect, net, isAddress ? [{ ...options, localAddress }, ...rest] : given)
  }) as typeof connect
}
