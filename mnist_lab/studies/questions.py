"""The questions that the documents ask, each a study across them: accuracy against the one thing that varies.

A series holds models of one document, as documents differ in split, epochs and more. Where a document draws a
comparison from models that differ in something else too, the label or the caveat says so; pairs that are as impure but
that no document compares are left out. The models of the project's own are in `questions_presets`.
"""

from __future__ import annotations

from mnist_lab.studies.study import Series, Study

CHANCE = (
    "The printed figures are of one run each: on 10,000 test images, chance alone moves an accuracy of 99.3 % by 0.16 "
    "points either way."
)
CHANCE_003 = "On document 003's 7,000 test images chance alone moves an accuracy of 99 % by 0.23 points either way."

STUDIES = (
    Study(
        name="kernel-size",
        title="Kernel size",
        varies="Kernel size",
        about="How large should the window of a convolution be? With a single convolution, 9×9 did better than 3×3 and "
        "11×11 (document 000: 99.2, 98.7 and 99.1 %). With several the documents disagree: 5×5 beats 3×3 with two "
        "convolutions in 001 and with 64 filters in 002, but not with three or with 32, nor in 004.",
        cite="Documents 000 (Adding a CNN Kernel; models 5 and 6), 001 (its headings), 002 (Model Structure - CNN) and "
        "004 (models 1 to 3)",
        caveat="Without padding, a larger kernel also leaves smaller maps, and so often fewer weights in all. In "
        "document 002 only the second convolution changes. Models 4 to 6 of 004 and the unnormalised 7×7 of 001 are "
        f"left out, as they differ in more. {CHANCE}",
        series=(
            Series("Document 000, one filter, 2×2 pooling", (("1×1", "000-model-1"), ("3×3", "000-model-2"))),
            Series(
                "Document 001, three convolutions, batch normalization",
                (("3×3", "001-conv-3-3-3-norm"), ("5×5", "001-conv-5-5-5-norm"), ("7×7", "001-conv-7-7-7-norm")),
            ),
            Series(
                "Document 000, 32 filters, hidden layer",
                (("3×3", "000-model-4"), ("9×9", "000-model-5"), ("11×11", "000-model-6")),
            ),
            Series("Document 001, two convolutions", (("3×3", "001-conv-3-3"), ("5×5", "001-conv-5-5"))),
            Series("Document 002, 32 filters, dropout", (("3×3", "002-grid-3x3-32"), ("5×5", "002-grid-5x5-32"))),
            Series("Document 002, 64 filters, dropout", (("3×3", "002-grid-3x3-64"), ("5×5", "002-grid-5x5-64"))),
            Series(
                "Document 004, no padding; 3×3 has one convolution more, and the steps of poolings differ",
                (("3×3", "004-model-2"), ("5×5", "004-model-1"), ("7×7", "004-model-3")),
            ),
        ),
    ),
    Study(
        name="padding",
        title="Padding",
        varies="Padding",
        about="Does it help to put zeros around the maps (same) or not (valid), so that nothing at the edge is lost? "
        "In print, padding gained once (001, two convolutions: 99.05 to 99.17 %) and lost a little in the other three "
        "comparisons; document 004 finds that its padded models overfit most.",
        cite="Documents 000 (model 12), 001 (its headings) and 004 (Conclusion)",
        caveat="MNIST's digits stand amid an empty border, so there is little at the edge to lose. Models 1 and 4, and "
        "3 and 6, of document 004 are left out: its conclusion counts them in, but depth, filters and units differ as "
        f"well. {CHANCE}",
        series=(
            Series("Document 001, two convolutions of 3×3", (("valid", "001-conv-3-3"), ("same", "001-conv-3-3-same"))),
            Series("Document 000, second of three convolutions", (("valid", "000-model-10"), ("same", "000-model-12"))),
            Series(
                "Document 001, 7×7, 5×5, 3×3; the padded one has a dense layer more, and fewer units",
                (("valid", "001-conv-7-5-3"), ("same", "001-conv-7-5-3-same")),
            ),
            Series(
                "Document 004, 3×3; two poolings exchange their steps",
                (("valid", "004-model-2"), ("same", "004-model-5")),
            ),
        ),
    ),
    Study(
        name="pooling-frequency",
        title="How often to pool",
        varies="Pooling",
        about="Should the maps shrink after every convolution, or more rarely? On bare pixels pooling cost 0.9 points "
        "(document 000: 92.7 to 91.8 %); after its second convolution it cost nothing and saved two thirds of the "
        "weights. Document 004 prefers one pooling for two convolutions (99.48 against 99.36 %).",
        cite="Documents 000 (Adding Pooling; model 9) and 004 (Conclusion)",
        caveat="A pooling of 1×1, which document 000 has where it does not pool, changes nothing. Of document 004's "
        "models 7 to 9, which pool more rarely, only 7 is shown, as the other two are farther still from any that "
        f"pools each time. {CHANCE}",
        series=(
            Series(
                "Document 000, two convolutions",
                (("after each convolution", "000-model-9"), ("once for two", "000-model-8")),
            ),
            Series(
                "Document 000, one convolution of a single weight",
                (("after each convolution", "000-model-1"), ("never", "000-baseline")),
            ),
            Series(
                "Document 004, 5×5; rarer by two convolutions more, with more filters and smaller steps at the end",
                (("after each convolution", "004-model-1"), ("once for two", "004-model-7")),
            ),
        ),
    ),
    Study(
        name="depth",
        title="Depth",
        varies="Layers",
        about="What does another layer bring? In the published figures one more convolution or hidden layer never did "
        "harm: 98.21, 98.77 and 99.19 % with one, two and four convolutions in document 003, where five dense layers "
        "end at 98.14 %. Near the top the gain is small: document 000 sees none from two to three convolutions.",
        cite="Documents 000 (Adding another dense (hidden) layer), 001 (its last line) and 003 (Different number of "
        "layers; Different number of convolutional layers; Different number of full connected layers)",
        caveat="A layer seldom comes alone, as the labels say. In document 003 the dense network with three hidden "
        "layers and the CNN with four convolutions kept the weights of their best epoch, the others those of their "
        f"last; and that CNN was tested on other images. {CHANCE} {CHANCE_003}",
        series=(
            Series("Document 000, one pooling", (("1 convolution", "000-model-5"), ("2 convolutions", "000-model-8"))),
            Series(
                "Document 000, two poolings", (("2 convolutions", "000-model-9"), ("3 convolutions", "000-model-10"))
            ),
            Series(
                "Document 003, a pooling with each; the deepest pools in steps of 1 and has a dense layer more",
                (("1 convolution", "003-cnn-short"), ("2 convolutions", "003-cnn"), ("4 convolutions", "003-cnn-long")),
            ),
            Series(
                "Document 001, 5×5; the third brings more dropout, and Adam in place of Adadelta",
                (("2 convolutions", "001-conv-5-5"), ("3 convolutions", "001-conv-5-5-5")),
            ),
            Series(
                "Document 000, one convolution; the hidden layer brings dropout",
                (("0 hidden", "000-model-3"), ("1 hidden", "000-model-4")),
            ),
            Series(
                "Document 000, three convolutions; the hidden layer brings dropout",
                (("0 hidden", "000-model-11"), ("1 hidden", "000-model-10")),
            ),
            Series(
                "Document 003, two convolutions; dropout moves behind the hidden layers",
                (("0 hidden", "003-cnn"), ("2 hidden", "003-cnn-more-dense")),
            ),
            Series(
                "Document 003, dense layers only; their units differ as well",
                (
                    ("2 hidden", "003-fully-connected-small"),
                    ("3 hidden", "003-fully-connected"),
                    ("5 hidden", "003-fully-connected-large"),
                ),
            ),
        ),
    ),
    Study(
        name="filters",
        title="Filters",
        varies="Filters",
        about="How many patterns should a convolution look for? The first few matter most: from 1 to 32 document 000 "
        "rises from 92.0 to 98.3 %, and document 003 from 97.87 over 98.77 to 99.03 % with more in both convolutions. "
        "From 32 to 64, document 002 loses once and gains once.",
        cite="Documents 000 (Adding Parallel CNN Kernels; model 7), 002 (Model Structure - CNN) and 003 (Different "
        "number of filters per layer)",
        caveat=f"In document 002 only the second convolution changes. {CHANCE} {CHANCE_003}",
        series=(
            Series("Document 000, one convolution of 3×3", (("1", "000-model-2"), ("32", "000-model-3"))),
            Series(
                "Document 000, one convolution of 9×9, hidden layer", (("16", "000-model-7"), ("32", "000-model-5"))
            ),
            Series("Document 002, 3×3, dropout", (("32", "002-grid-3x3-32"), ("64", "002-grid-3x3-64"))),
            Series("Document 002, 5×5, dropout", (("32", "002-grid-5x5-32"), ("64", "002-grid-5x5-64"))),
            Series(
                "Document 003, two convolutions",
                (
                    ("4 and 16", "003-cnn-few-filters"),
                    ("32 and 64", "003-cnn"),
                    ("128 and 512", "003-cnn-many-filters"),
                ),
            ),
        ),
    ),
    Study(
        name="units",
        title="Units",
        varies="Units of the hidden layers",
        about="How wide should dense layers be? Wider ones did better throughout (96.20, 97.37 and 97.96 %), at a "
        "hundred times the weights; the document has the widest overfit after three epochs.",
        cite="Document 003 (Different number of units per layer)",
        caveat="All three hidden layers change together. The network in the middle kept the weights of its best epoch, "
        "the others those of their last.",
        series=(
            Series(
                "Document 003, three hidden layers",
                (
                    ("10, 20 and 40", "003-fully-connected-few-units"),
                    ("32, 64 and 128", "003-fully-connected"),
                    ("100, 200 and 400", "003-fully-connected-many-units"),
                ),
            ),
        ),
    ),
    Study(
        name="pooling",
        title="Pooling: kind and size",
        varies="Pooling",
        about="The largest value of a window or the mean, and of how large a window? Document 003 has 2×2 maxima best "
        "(98.77 %) and 5×5 maxima worst (97.16 %), and puts the 98.57 % of means down to their being means; but they "
        "are of 3×3. Maxima of 3×3, which it did not try, tell size and kind apart.",
        cite="Document 003 (Different size and type of pooling layers)",
        caveat="Windows of 5×5 move in steps of 3 and so overlap; the others do not. Larger windows leave fewer "
        f"weights. The accuracy of 3×3 maxima is published nowhere. {CHANCE_003}",
        series=(
            Series(
                "Document 003, two convolutions, size of max pooling",
                (
                    ("2×2 max", "003-cnn"),
                    ("3×3 max", "pooling-003-max-3x3"),
                    ("5×5 max, steps of 3", "003-cnn-pooling-5"),
                ),
            ),
            Series(
                "Document 003, two convolutions, kind at 3×3",
                (("3×3 max", "pooling-003-max-3x3"), ("3×3 average", "003-cnn-average-pooling")),
            ),
        ),
    ),
    Study(
        name="activation",
        title="Activation",
        varies="Activation",
        about="Which function should follow a layer's sums? In document 001 ReLU (99.51 %) beats tanh (99.25 %) and "
        "sigmoid (99.02 %), which ended its first epoch at 24 % training accuracy. LeNet-5, which had tanh when new, "
        "is asked the same with every layer changed.",
        cite="Document 001 (3 conv layers, kernels = (7x7),(5x5),(3x3), Using sigmoid; Using tanh)",
        caveat="In document 001 the first convolution stays ReLU whatever the others are. LeNet-5 with sigmoid or tanh "
        "is published nowhere here; early stopping lets each train as long as it gets better.",
        series=(
            Series(
                "Document 001, 7×7, 5×5, 3×3, all but the first convolution",
                (
                    ("ReLU", "001-conv-7-5-3"),
                    ("sigmoid", "001-conv-7-5-3-sigmoid"),
                    ("tanh", "001-conv-7-5-3-tanh"),
                ),
            ),
            Series(
                "Document 003, LeNet-5, all layers",
                (("ReLU", "lenet-5"), ("sigmoid", "activation-lenet-5-sigmoid"), ("tanh", "activation-lenet-5-tanh")),
            ),
        ),
    ),
    Study(
        name="dropout",
        title="Dropout or not",
        varies="Dropout of 0.5",
        about="Is it worth dropping half of the values at random while training? Document 002 says yes, by 99.33 "
        "against 98.84 %; without it, the validation loss was lowest in the second of ten epochs already.",
        cite="Document 002 (Dropout Yes or No?)",
        caveat="The document trained the network with dropout twice, and its other figure is 99.22 %; the one without "
        "had 99.09 % five epochs before its last. So luck makes a good part of the gap. Networks with global max "
        "pooling are the project's own, and published nowhere.",
        series=(
            Series("Document 002, 5×5, 64 filters", (("without", "002-without-dropout"), ("with", "002-with-dropout"))),
            Series(
                "Document 002, 5×5, 64 filters, global max pooling",
                (
                    ("without", "global-pooling-002-without-dropout"),
                    ("with", "global-pooling-002-with-dropout"),
                ),
            ),
        ),
    ),
    Study(
        name="global-pooling",
        title="Flatten or global max pooling",
        varies="Between convolutions and dense layers",
        about="Should the dense layers see every value of the last maps, or only the largest of each map? Document 002 "
        "asks and uses Flatten throughout, so nobody answered. Global max pooling hands on 64 values in place of 1,024 "
        "and needs a third of the weights, but forgets where in the image a pattern was.",
        cite="Document 002 (Flatten or what?)",
        caveat="The document has global pooling take the maximum over the channels at each pixel; Keras's layer takes "
        "it over the pixels of each channel, and so is it trained here. Its accuracy is published nowhere.",
        series=(
            Series(
                "Document 002, 5×5, 64 filters, without dropout",
                (("Flatten", "002-without-dropout"), ("global max pooling", "global-pooling-002-without-dropout")),
            ),
            Series(
                "Document 002, 5×5, 64 filters, with dropout",
                (("Flatten", "002-with-dropout"), ("global max pooling", "global-pooling-002-with-dropout")),
            ),
        ),
    ),
    Study(
        name="learning-rate",
        title="Learning rate",
        varies="Learning rate of Adam",
        about="How large should the steps be? Document 003 finds 0.05 far too large (92.27 %), and 0.00001 nearly as "
        "good as 0.001 (97.10 and 97.37 %), but six times slower: 57 epochs in place of 9. The rates between, 0.0001 "
        "and 0.01, are the project's own, and published nowhere.",
        cite="Document 003 (Different learning rate)",
        caveat="With 0.00001 the weights of the last epoch were kept, otherwise those of the best. Training ended when "
        "three epochs brought no gain, so that every rate had as many epochs as it could use.",
        series=(
            Series(
                "Document 003, fully connected",
                (
                    ("0.00001", "003-learning-rate-0-00001"),
                    ("0.0001", "learning-rate-003-0-0001"),
                    ("0.001", "003-fully-connected"),
                    ("0.01", "learning-rate-003-0-01"),
                    ("0.05", "003-learning-rate-0-05"),
                ),
            ),
        ),
    ),
    Study(
        name="batch-normalization",
        title="Batch normalization",
        varies="Batch normalization",
        about="Does it help to bring each channel to mean 0 and variance 1 within a batch? Document 001's three "
        "convolutions of 5×5 ended at 99.44 % without it and at 99.30 % with it, 14 of 10,000 images apart.",
        cite="Document 001 (3 conv layers, kernels=(5x5), padding = same, strides= 1; the same with normalization)",
        caveat="It stands after the poolings, before a dropout of 0.25 and one of 0.75. The document's pair of 7×7 is "
        "left out: there padding and the steps of a pooling change with it. Document 002 has it in every model. "
        f"{CHANCE}",
        series=(
            Series(
                "Document 001, three convolutions of 5×5",
                (("without", "001-conv-5-5-5"), ("with", "001-conv-5-5-5-norm")),
            ),
        ),
    ),
    Study(
        name="fine-tuning",
        title="Fine-tuning VGG16",
        varies="Convolutions of VGG16 that learn",
        about="What if VGG16's last convolutions learn from digits too? Document 002 ends by recommending it, after "
        "95.45 % with all of them frozen, but did not try. Here the last one, two and three learn, at a low rate; and "
        "another network stays frozen but gets its pixels as VGG16 was used to them, less the mean of each colour.",
        cite="Document 002 (Transfer Learning)",
        caveat="At the published rate of 0.001 the new dense layers, while still guessing, could wreck the "
        "convolutions. It is usual to train these layers first and then all at 0.00001; but that is two trainings, and "
        "at that rate alone the new layers would have few epochs in ten. So 0.0001 has to do for both, and the frozen "
        "network was added at it. Only the accuracy of 002-vgg16 is published.",
        series=(
            Series(
                "Document 002's VGG16, rate 0.0001",
                (
                    ("0", "fine-tuning-vgg16-0"),
                    ("1", "fine-tuning-vgg16-1"),
                    ("2", "fine-tuning-vgg16-2"),
                    ("3", "fine-tuning-vgg16-3"),
                ),
            ),
            Series(
                "Document 002's VGG16, frozen, rate 0.001, as published; what varies is the preparation of its pixels",
                (("0", "002-vgg16"), ("0, pixels prepared", "fine-tuning-vgg16-prepared")),
            ),
        ),
    ),
)
