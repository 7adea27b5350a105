import type { Startable } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'

/**
 * A service that leaves no timer behind: libp2p's address manager debounces its updates by a second and stops its timer when it stops, but the listeners that
 * close after it start it anew (libp2p 3.3).
 */
export function addressTimer(): (components: { addressManager: AddressManager }) => Startable {
  return ({ addressManager }) => ({
    start() {},
    stop() {},
    afterStop() {
      const update: unknown = Reflect.get(addressManager, '_updatePeerStoreAddresses')
      if (typeof update === 'function' && 'stop' in update && typeof update.stop === 'function') update.stop()
    }
  })
}
