#ifndef RESDET_COLLECTIVES_H_
#define RESDET_COLLECTIVES_H_

#include <node_api.h>

#include <vector>

#include "backend.h"

namespace resdet {

/** What the addon offers to processes that train together. */
std::vector<napi_property_descriptor> CollectiveMethods();

}  // namespace resdet

#endif
