"""What nearly every network's description has in common, for the links of format 1; see `mnist_lab.links`.

It is part of the format: with one letter changed, no link that was sent out before would open. What later versions add
need not be in it; another text here is another format.
"""

FORMAT_1 = (
    '{"name":"Ftrl","learning_rate":0.001,"learning_rate_power":-0.5,"initial_accumulator_value":0.1,'
    '"l1_regularization_strength":0.0,"l2_regularization_strength":0.0}{"name":"Adafactor","learning_rate":0.001,'
    '"beta_2_decay":-0.8,"clip_threshold":1.0,"relative_step":true}{"name":"Lion","learning_rate":0.0003,'
    '"beta_1":0.9,"beta_2":0.99}{"name":"Adagrad","learning_rate":0.001,"initial_accumulator_value":0.1,'
    '"epsilon":1e-07}{"name":"Adadelta","learning_rate":1.0,"rho":0.95,"epsilon":1e-07}{"name":"Adamax",'
    '"learning_rate":0.001,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-07}{"name":"RMSprop","learning_rate":0.001,'
    '"rho":0.9,"momentum":0.0,"epsilon":1e-07,"centered":false}{"name":"SGD","learning_rate":0.01,"momentum":0.0,'
    '"nesterov":false}{"name":"AdamW","learning_rate":0.001,"weight_decay":0.004,"beta_1":0.9,"beta_2":0.999,'
    '"epsilon":1e-07,"amsgrad":false}{"name":"StepDecay","factor":0.5,"every":5}{"name":"ReduceLROnPlateau",'
    '"monitor":"val_loss","factor":0.5,"patience":2,"min_lr":1e-06}{"name":"OneCycle","rise":0.3,'
    '"start_divisor":25.0,"end_divisor":10000.0}{"name":"CosineDecay","alpha":0.0,"warmup_epochs":0.0}{'
    '"name":"ExponentialDecay","decay_rate":0.9}"early_stopping":{"monitor":"val_accuracy","patience":5,'
    '"min_delta":0.0,"restore_best_weights":true}test-as-validation pooled-80-10-10 digits elu selu gelu '
    'leaky_relu silu sigmoid tanh linear he_normal he_uniform glorot_normal val_loss {"architecture":{"format":1,'
    '"input_shape":[28,28,1],"layers":[{"layer":"Pretrained","application":"VGG16","weights":"imagenet",'
    '"trainable_layers":0},{"layer":"Resizing","height":32,"width":32,"interpolation":"bilinear"},{'
    '"layer":"RepeatChannels","times":3},{"layer":"Rescaling","scale":1.0,"offset":0.0},{"layer":"Activation",'
    '"activation":"relu"},{"layer":"Residual","shortcut":"identity","activation":"linear","layers":[]},{'
    '"layer":"Parallel","merge":"concatenate","branches":[[],[]]},{"layer":"GlobalAveragePooling2D"},{'
    '"layer":"GlobalMaxPooling2D"},{"layer":"AveragePooling2D","pool_size":[2,2],"strides":null,"padding":"valid"},'
    '{"layer":"Conv2D","filters":64,"kernel_size":[5,5],"strides":[1,1],"padding":"same","dilation_rate":[1,1],'
    '"activation":"relu","use_bias":true,"kernel_initializer":"he_normal"},{"layer":"BatchNormalization",'
    '"momentum":0.99,"epsilon":0.001,"center":true,"scale":true},{"layer":"Conv2D","filters":32,"kernel_size":[3,3]'
    ',"strides":[1,1],"padding":"valid","dilation_rate":[1,1],"activation":"relu","use_bias":true,'
    '"kernel_initializer":"glorot_uniform"},{"layer":"MaxPooling2D","pool_size":[2,2],"strides":null,'
    '"padding":"valid"},{"layer":"Dropout","rate":0.25},{"layer":"Flatten"},{"layer":"Dense","units":128,'
    '"activation":"relu","use_bias":true,"kernel_initializer":"glorot_uniform"},{"layer":"Dropout","rate":0.5},{'
    '"layer":"Dense","units":10,"activation":"softmax","use_bias":true,"kernel_initializer":"glorot_uniform"}]},'
    '"training":{"dataset":"auto","split":"holdout","limit":null,"epochs":10,"batch_size":128,'
    '"label_smoothing":0.0,"seed":42,"keep_checkpoints":false,"optimizer":{"name":"Adam","learning_rate":0.001,'
    '"beta_1":0.9,"beta_2":0.999,"epsilon":1e-07,"amsgrad":false},"schedule":{"name":"Constant"},'
    '"early_stopping":null,"augmentation":{"rotation":0.0,"shift":0.0,"zoom":0.0,"shear":0.0}},"name":""}'
)
