// What whoever makes a net has promised about it.
#pragma once

namespace fastcaffe {

// That weights which are zero stay so, and nobody reads their gradients: layers that are made from now on may leave
// them out. Promised by fastcaffe_absent_stays_absent.
bool absent_stays_absent();

}  // namespace fastcaffe
