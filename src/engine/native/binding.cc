// tfjs-node's binding as it is (its source is included, its entry renamed), with signals held while TensorFlow runs, and with
// the recorder's calls and those of several processes beside its own.
#include <node_api.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "backend.h"
#include "collectives.h"
#include "signals.h"

namespace resdet {

/** Calls the function of tfjs's that stands in a property's data. */
napi_value CallHeld(napi_env env, napi_callback_info info) {
  void* call = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &call) != napi_ok) return nullptr;
  SignalsHeld held;
  return reinterpret_cast<napi_callback>(call)(env, info);
}

/** As napi_define_properties, with `CallHeld` around each function. */
napi_status DefineHeld(napi_env env, napi_value object, size_t count, const napi_property_descriptor* properties) {
  std::vector<napi_property_descriptor> held(properties, properties + count);
  for (auto& property : held) {
    if (!property.method) continue;
    property.data = reinterpret_cast<void*>(property.method);
    property.method = CallHeld;
  }
  return napi_define_properties(env, object, count, held.data());
}

/** A thread that does nothing but take the process's signals, so that none has to wait until a product is done. */
void TakeSignals() {
  std::thread([] {
    const sigset_t set = AsynchronousSignals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    for (;;) pause();
  }).detach();
}

}  // namespace resdet

namespace tfnodejs {
napi_value InitTfjs(napi_env env, napi_value exports);
}

NAPI_MODULE_INIT() {
  resdet::TakeSignals();
  // The threads that TensorFlow makes now take none ever.
  resdet::SignalsHeld held;
  exports = tfnodejs::InitTfjs(env, exports);
  for (const auto& methods : {resdet::RecorderMethods(), resdet::CollectiveMethods()}) {
    resdet::DefineHeld(env, exports, methods.size(), methods.data());
  }
  return exports;
}

#undef NAPI_MODULE
#define NAPI_MODULE(name, init) \
  napi_value InitTfjs(napi_env env, napi_value exports) { return init(env, exports); }
#define napi_define_properties resdet::DefineHeld
#include "binding/tfjs_binding.cc"
