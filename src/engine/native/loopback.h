#ifndef RESDET_LOOPBACK_H_
#define RESDET_LOOPBACK_H_

namespace resdet {

/**
 * From now on the sockets that a loaded library would open to every network answer this machine alone. TensorFlow's server
 * listens on 0.0.0.0, whatever its address is said to be, and asks nobody who he is.
 * @param library part of its file's name; every library of such a name is meant
 * @returns whether the library opens its sockets by the call that was changed
 */
bool KeepToLoopback(const char* library);

}  // namespace resdet

#endif
