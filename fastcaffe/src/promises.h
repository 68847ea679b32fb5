// What whoever makes a net has promised about it.
#pragma once

namespace fastcaffe {

// That weights which are zero stay so, and nobody reads their gradients: layers that are made from now on may leave
// them out. Promised by fastcaffe_absent_stays_absent.
bool absent_stays_absent();

// That nobody reads the blobs that one layer alone reads, and passes are whole ones: layers of training nets that are
// made from now on may hand them on as they like. Promised by fastcaffe_blobs_between_unread.
bool blobs_between_unread();

}  // namespace fastcaffe
